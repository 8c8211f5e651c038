using System.Globalization;

namespace Livebook.Server.Runtimes.Isolation;

/// <summary>A user of this system.</summary>
/// <param name="Home">As the system notes it; it may not exist.</param>
public sealed record SystemUser(string Name, uint Id, uint Group, string Home)
{
    private const string File = "/etc/passwd";

    /// <summary>The user with this name; null when there is none.</summary>
    public static SystemUser? Find(string name)
    {
        if (!System.IO.File.Exists(File))
            return null;
        return System
            .IO.File.ReadLines(File)
            .Select(line => line.Split(':'))
            .Where(fields => fields.Length >= 7 && fields[0] == name)
            .Select(fields => new SystemUser(
                name,
                uint.Parse(fields[2], CultureInfo.InvariantCulture),
                uint.Parse(fields[3], CultureInfo.InvariantCulture),
                fields[5]
            ))
            .FirstOrDefault();
    }

    /// <summary>Whether this process is root's, who alone can start others as another user.</summary>
    public static bool IsRoot => !OperatingSystem.IsWindows() && NativeMethods.UserId() == 0;
}
