using System.Diagnostics;

namespace Livebook.Server.Runtimes.Isolation;

/// <summary>
/// Runtimes have the server's user and restrict themselves by Landlock to everything but the data path. Landlock only knows what is allowed, entry by
/// entry: it fits where nobody makes new entries beside the data path or its parents.
/// </summary>
internal sealed class RestrictedFiles(string data) : Confinement
{
    public override void Apply(ProcessStartInfo start, string place)
    {
        foreach (var argument in new[] { "--hide", data, "--show", Path.Combine(data, SharedFolder), "--show", place })
            start.ArgumentList.Add(argument);
    }

    public static bool WorkFor(string data)
    {
        if (NativeMethods.LandlockVersion() < 1)
            return false;
        for (var parent = Path.GetDirectoryName(data); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            if (NativeMethods.IsWritable(parent))
                return false;
        }
        return true;
    }
}
