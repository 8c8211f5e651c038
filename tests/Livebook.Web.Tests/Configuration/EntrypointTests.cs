using System.Diagnostics;
using Livebook.Testing;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Configuration;

/// <summary>The start script of the image, with a stub in place of the program.</summary>
public sealed class EntrypointTests : IDisposable
{
    private readonly TemporaryFolder _image = new();

    public EntrypointTests()
    {
        // Not as root's new volume looks, which the script would give away.
        Directory.CreateDirectory(_image.PathOf("data"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(_image.PathOf("user"));
        var script = File.ReadAllText(Repository.PathOf("deploy", "entrypoint"));
        Assert.Contains("/app/livebook", script, StringComparison.Ordinal);
        Executable(
            "entrypoint",
            script.Replace("/app", _image.Path, StringComparison.Ordinal).Replace("/data", _image.PathOf("data"), StringComparison.Ordinal)
        );
        Executable("livebook", "#!/bin/sh\nprintf '%s|' \"$LIVEBOOK_NODE\" \"$QUIET\" \"$$\" \"$@\"\n");
    }

    public void Dispose() => _image.Dispose();

    [Fact]
    public async Task The_program_takes_the_place_of_the_script_and_gets_its_arguments()
    {
        var (status, output, pid) = await RunAsync("server", "two words");
        Assert.Equal((0, $"given@10.0.0.1||{pid}|server|two words|"), (status, output));
    }

    [Fact]
    public async Task What_env_sh_exports_wins()
    {
        _image.Write("user/env.sh", "LIVEBOOK_NODE=\"books@$(echo 10.0.0.7)\"\nexport LIVEBOOK_NODE\nQUIET=not-exported\n");
        var (status, output, pid) = await RunAsync();
        Assert.Equal((0, $"books@10.0.0.7||{pid}|"), (status, output));
    }

    [Fact]
    public async Task A_command_that_fails_in_env_sh_ends_the_start()
    {
        _image.Write("user/env.sh", "false\nexport LIVEBOOK_NODE=never@10.0.0.7\n");
        var (status, output, _) = await RunAsync();
        Assert.Equal((1, ""), (status, output));
    }

    private void Executable(string name, string text) =>
        File.SetUnixFileMode(_image.Write(name, text), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    private async Task<(int Status, string Output, int Pid)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(_image.Path, "entrypoint"), arguments) { RedirectStandardOutput = true, WorkingDirectory = "/" };
        start.Environment["LIVEBOOK_NODE"] = "given@10.0.0.1";
        start.Environment["HOME"] = _image.Path;
        start.Environment.Remove("QUIET");
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output, process.Id);
    }
}
