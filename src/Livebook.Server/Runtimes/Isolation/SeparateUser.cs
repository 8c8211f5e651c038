using System.Diagnostics;

namespace Livebook.Server.Runtimes.Isolation;

/// <summary>The server is root, runtimes are another user: file permissions and the system's rules about processes keep them apart.</summary>
internal sealed class SeparateUser : Confinement
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Variables that lead into root's home.</summary>
    private static readonly string[] OfRoot = ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "DOTNET_CLI_HOME"];

    private readonly SystemUser _user;
    private readonly string _shared;
    private readonly string _home;

    /// <exception cref="IOException">The data path cannot be shared with the user.</exception>
    public SeparateUser(SystemUser user, string data, string runtimes)
    {
        _user = user;
        _shared = Path.Combine(data, SharedFolder);
        // The user passes through, and sees no names.
        foreach (var directory in new[] { data, runtimes, _shared })
        {
            NativeMethods.ChangeOwner(directory, 0, user.Group);
            File.SetUnixFileMode(directory, Own | UnixFileMode.GroupExecute);
        }
        _home = HomeOf(user, data);
    }

    /// <summary>The directory above the data path that the user cannot pass through; null = none.</summary>
    public static string? BarrierFor(SystemUser user, string data)
    {
        for (var parent = Path.GetDirectoryName(data); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            if (!File.GetUnixFileMode(parent).HasFlag(UnixFileMode.OtherExecute))
                return parent;
        }
        return null;
    }

    public override void Apply(ProcessStartInfo start, string place)
    {
        NativeMethods.ChangeOwner(place, _user.Id, _user.Group);
        start.UserName = _user.Name;
        start.Environment["HOME"] = _home;
        start.Environment["USER"] = start.Environment["LOGNAME"] = _user.Name;
        foreach (var name in OfRoot)
            start.Environment.Remove(name);
    }

    public override void Share(string directory)
    {
        if (Holds(_shared, directory))
            NativeMethods.ChangeOwner(directory, _user.Id, _user.Group);
    }

    /// <summary>Packages and caches of notebook code need a home that its user can write to.</summary>
    private static string HomeOf(SystemUser user, string data)
    {
        if (user.Home.Length > 1 && user.Home != "/nonexistent" && Directory.Exists(user.Home))
            return user.Home;
        var made = Path.Combine(data, "runtime-home");
        Directory.CreateDirectory(made, Own);
        NativeMethods.ChangeOwner(made, user.Id, user.Group);
        return made;
    }
}
