using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Livebook.Web.Tests.World;

/// <summary>The program as a person starts it; it never outlives the test.</summary>
internal sealed partial class LivebookProcess : IAsyncDisposable
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Reading _output;
    private readonly Reading _error;

    private LivebookProcess(Process process)
    {
        _process = process;
        _output = new Reading(process.StandardOutput);
        _error = new Reading(process.StandardError);
    }

    private static string Program { get; } =
        Path.GetFullPath(
            Path.Combine(
                AppContext.BaseDirectory,
                "..",
                "..",
                "Livebook.Web",
                Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)),
                "livebook.dll"
            )
        );

    public static LivebookProcess Start(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        // Where the tests were started in the background of a script, SIGINT is ignored, and children inherit that.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", Program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("LIVEBOOK_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new LivebookProcess(Process.Start(start)!);
    }

    public int Pid => _process.Id;

    /// <summary>Starts it and waits for its end.</summary>
    public static async Task<Ended> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var process = Start(arguments, environment);
        return await process.EndAsync();
    }

    public async Task<Ended> EndAsync()
    {
        using var limit = Limit();
        await _process.WaitForExitAsync(limit.Token);
        return new Ended(_process.ExitCode, await _output.AllAsync(limit.Token), await _error.AllAsync(limit.Token));
    }

    /// <summary>Waits until it has written this to standard output, and answers all of that.</summary>
    public Task<string> WritesAsync(string text) => _output.UntilAsync(text);

    /// <summary>Processes that it has started and that are still there.</summary>
    public int[] Children() =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(IsChild!).Select(name => int.Parse(name!, CultureInfo.InvariantCulture))];

    public static async Task UntilGoneAsync(int pid)
    {
        using var limit = Limit();
        while (Directory.Exists($"/proc/{pid}"))
            await Task.Delay(20, limit.Token);
    }

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        return limit;
    }

    /// <summary>Field 4 of <c>/proc/PID/stat</c> is the parent; field 2 may hold spaces, in parentheses (proc(5)).</summary>
    private bool IsChild(string name)
    {
        if (!char.IsAsciiDigit(name[0]))
            return false;
        try
        {
            var stat = File.ReadAllText($"/proc/{name}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == _process.Id.ToString(CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);

    private sealed class Reading
    {
        private readonly StringBuilder _text = new();
        private readonly Task _end;
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Reading(StreamReader reader) => _end = ReadAsync(reader);

        private async Task ReadAsync(StreamReader reader)
        {
            var buffer = new char[4096];
            int read;
            while ((read = await reader.ReadAsync(buffer)) > 0)
            {
                lock (_text)
                    _text.Append(buffer, 0, read);
                Interlocked.Exchange(ref _more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            }
        }

        public async Task<string> AllAsync(CancellationToken stop)
        {
            await _end.WaitAsync(stop);
            return Text();
        }

        public async Task<string> UntilAsync(string text)
        {
            using var limit = Limit();
            while (true)
            {
                var more = Volatile.Read(ref _more).Task;
                if (Text() is var now && now.Contains(text, StringComparison.Ordinal))
                    return now;
                if (_end.IsCompleted)
                    throw new InvalidOperationException($"it ended without \"{text}\": {Text()}");
                await Task.WhenAny(more, _end).WaitAsync(limit.Token);
            }
        }

        private string Text()
        {
            lock (_text)
                return _text.ToString();
        }
    }
}

internal sealed record Ended(int ExitCode, string Output, string Error);
