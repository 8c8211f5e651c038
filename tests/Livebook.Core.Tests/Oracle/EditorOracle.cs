using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Livebook.Core.Tests.Oracle;
using Livebook.Core.Text;
using Livebook.Testing;

[assembly: AssemblyFixture(typeof(EditorOracle))]

namespace Livebook.Core.Tests.Oracle;

/// <summary>One Node process with the real editor libraries (tests/oracle): a line of JSON in, a line of JSON out.</summary>
public sealed class EditorOracle : IAsyncLifetime
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { Converters = { new SurrogateSafeString() } };

    private readonly SemaphoreSlim _turn = new(1);
    private Process? _process;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Talks to the process; one conversation at a time.</summary>
    public async Task TalkAsync(Func<Conversation, Task> talk, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            _process ??= await StartAsync(stop);
            await talk(new Conversation(_process, stop));
        }
        finally
        {
            _turn.Release();
        }
    }

    private static async Task<Process> StartAsync(CancellationToken stop)
    {
        var folder = Repository.PathOf("tests", "oracle");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            await InstallAsync(folder, stop);
        return Run("node", ["oracle.js"], folder);
    }

    private static async Task InstallAsync(string folder, CancellationToken stop)
    {
        using var install = Run("npm", ["ci", "--no-audit", "--no-fund"], folder);
        install.StandardInput.Close();
        var said = await install.StandardOutput.ReadToEndAsync(stop);
        await install.WaitForExitAsync(stop);
        if (install.ExitCode != 0)
            throw new InvalidOperationException($"npm ci in {folder} failed: {said}");
    }

    private static Process Run(string program, string[] arguments, string folder) =>
        Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                StandardInputEncoding = new UTF8Encoding(false),
                StandardOutputEncoding = new UTF8Encoding(false),
            }
        ) ?? throw new InvalidOperationException($"{program} did not start");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
        _turn.Dispose();
    }

    public sealed class Conversation(Process process, CancellationToken stop)
    {
        public async Task<T> AskAsync<T>(object question)
        {
            await SayAsync(question);
            return await HearAsync<T>();
        }

        public async Task SayAsync(object value)
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(value, Options).AsMemory(), stop);
            await process.StandardInput.FlushAsync(stop);
        }

        public async Task<T> HearAsync<T>() =>
            await process.StandardOutput.ReadLineAsync(stop) is { } line
                ? JsonSerializer.Deserialize<T>(line, Options)!
                : throw new InvalidOperationException("the oracle has ended; its error output says why");
    }
}
