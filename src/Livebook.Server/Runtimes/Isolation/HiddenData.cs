using System.Diagnostics;
using System.Globalization;

namespace Livebook.Server.Runtimes.Isolation;

/// <summary>
/// Runtimes have the server's user: they start in a user namespace of their own, where an empty file system lies over the data path.
/// The namespace also keeps them from the memory and environment of every process outside of it. Needs <c>unshare</c> and <c>mount</c> of util-linux.
/// </summary>
internal sealed class HiddenData(string data) : Confinement
{
    /// <summary>
    /// Arguments: data path, the runtime's own directory in it, user, group, command. The working directory still shows what is covered, so that
    /// its parts can be shown again; the second namespace takes away the power to uncover.
    /// </summary>
    private const string Script = """
        set -e
        data=$1 place=$2 user=$3 group=$4
        shift 4
        cd "$data"
        mount -t tmpfs -o size=64k,mode=0700 livebook "$data"
        mkdir -p "$data/sessions" "$data/$place"
        mount -c --bind ./sessions "$data/sessions"
        mount -c --bind "./$place" "$data/$place"
        mount -o remount,bind,ro "$data"
        cd "$data/$place"
        exec unshare --user --map-user="$user" --map-group="$group" -- "$@"
        """;

    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(10);

    public override void Apply(ProcessStartInfo start, string place)
    {
        string[] command = [start.FileName, .. start.ArgumentList];
        start.FileName = "unshare";
        start.ArgumentList.Clear();
        string[] arguments =
        [
            "--user",
            "--map-root-user",
            "--mount",
            "--",
            "/bin/sh",
            "-c",
            Script,
            "sh",
            data,
            // Elsewhere where the data path is too long for a socket: nothing of it need be shown then.
            Holds(data, place) ? Path.GetRelativePath(data, place) : SharedFolder,
            NativeMethods.UserId().ToString(CultureInfo.InvariantCulture),
            NativeMethods.GroupId().ToString(CultureInfo.InvariantCulture),
            .. command,
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.WorkingDirectory = "/";
    }

    /// <summary>Tries it: a file of the server is gone, the runtime's own place is there.</summary>
    public async Task<bool> WorksAsync(RuntimeFolder folder, CancellationToken stop)
    {
        const string Id = "probe";
        var place = Path.GetDirectoryName(folder.SocketOf(Id))!;
        var secret = Path.Combine(folder.Path, Id + ".secret");
        try
        {
            await File.WriteAllBytesAsync(secret, [], stop);
            var start = new ProcessStartInfo(
                "/bin/sh",
                ["-c", "[ ! -e \"$1\" ] && : >\"$2/written\" && [ -w \"$3\" ]", "sh", secret, place, Path.Combine(data, SharedFolder)]
            )
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            };
            Apply(start, place);
            using var late = CancellationTokenSource.CreateLinkedTokenSource(stop);
            late.CancelAfter(ProbeTime);
            using var probe = Process.Start(start);
            await probe!.WaitForExitAsync(late.Token);
            return probe.ExitCode == 0 && File.Exists(Path.Combine(place, "written"));
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or IOException or OperationCanceledException)
        {
            stop.ThrowIfCancellationRequested();
            return false;
        }
        finally
        {
            File.Delete(secret);
            folder.Remove(Id, Path.Combine(place, "s"));
        }
    }
}
