using System.Diagnostics;

namespace Livebook.Server.Runtimes.Isolation;

/// <summary>Keeps what notebook code can do away from the server's own files and processes.</summary>
internal abstract class Confinement
{
    /// <summary>Folder of the data path that notebook code works in; everything else there is the server's.</summary>
    public const string SharedFolder = "sessions";

    /// <summary>What notebook code can reach nevertheless, as a sentence; null = nothing.</summary>
    public string? Weakness { get; private init; }

    /// <summary>Changes the command that starts a runtime.</summary>
    /// <param name="place">The runtime's own directory below the data path, where its socket is.</param>
    public abstract void Apply(ProcessStartInfo start, string place);

    /// <summary>Gives a session's working directory to notebook code.</summary>
    public virtual void Share(string directory) { }

    /// <summary>The strongest that works here.</summary>
    public static async Task<Confinement> ChooseAsync(RuntimeOptions options, RuntimeFolder folder, CancellationToken stop)
    {
        if (!options.Confine)
            return new Unconfined();
        if (!OperatingSystem.IsLinux())
            return new Unconfined { Weakness = "notebooks can read the server's data path: only Linux can keep them from it" };
        var data = Path.GetDirectoryName(folder.Path)!;
        Directory.CreateDirectory(Path.Combine(data, SharedFolder), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string? root = null;
        if (SystemUser.IsRoot)
        {
            var barrier = options.User is { Id: > 0 } user ? SeparateUser.BarrierFor(user, data) : null;
            if (options.User is { Id: > 0 } && barrier is null)
                return new SeparateUser(options.User, data, folder.Path);
            root = options.User switch
            {
                null => "notebooks run as root: make a user livebook-runtime, or name one in LIVEBOOK_RUNTIME_USER",
                // Chosen by name.
                { Id: 0 } => null,
                var other => $"notebooks run as root: {other.Name} cannot enter {barrier}, so the data path must be elsewhere",
            };
        }
        var hidden = new HiddenData(data) { Weakness = root };
        if (await hidden.WorksAsync(folder, stop))
            return hidden;
        if (RestrictedFiles.WorkFor(data))
            return new RestrictedFiles(data) { Weakness = root };
        return new Unconfined
        {
            Weakness =
                "notebooks can read the server's data path: this system allows neither user namespaces nor Landlock there. Start the server as root with a "
                + "user for runtimes (LIVEBOOK_RUNTIME_USER), or put LIVEBOOK_DATA_PATH where only root can write to the directories above it",
        };
    }

    /// <summary>Whether <paramref name="path"/> is <paramref name="directory"/> or below it.</summary>
    protected static bool Holds(string directory, string path) =>
        path == directory || path.StartsWith(Path.TrimEndingDirectorySeparator(directory) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}

/// <summary>Nothing is kept from notebook code but the environment.</summary>
internal sealed class Unconfined : Confinement
{
    public override void Apply(ProcessStartInfo start, string place) { }
}
