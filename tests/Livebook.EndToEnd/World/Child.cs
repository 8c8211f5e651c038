using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Livebook.EndToEnd.World;

/// <summary>A real process of the test's world: its output is kept, and it never outlives the test.</summary>
internal sealed partial class Child : IAsyncDisposable
{
    private const int SigHangup = 1;
    private const int SigInterrupt = 2;
    private const int SigKill = 9;
    private const int SigStop = 19;
    private const int SigContinue = 18;
    private const int SigTerminate = 15;

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private TaskCompletionSource _said = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Child(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Say(line.Data);
        process.ErrorDataReceived += (_, line) => Say(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Everything it has said so far.</summary>
    public string Said
    {
        get
        {
            lock (_lines)
                return string.Join('\n', _lines);
        }
    }

    public static Child Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? "",
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("LIVEBOOK_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new Child(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start"));
    }

    private void Say(string? line)
    {
        if (line is null)
            return;
        lock (_lines)
            _lines.Add(line);
        Interlocked.Exchange(ref _said, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    /// <summary>Waits for a line that contains this.</summary>
    public async Task<string> SaysAsync(string text, CancellationToken stop)
    {
        while (true)
        {
            var said = Volatile.Read(ref _said).Task;
            lock (_lines)
            {
                if (_lines.Find(line => line.Contains(text, StringComparison.Ordinal)) is { } line)
                    return line;
            }
            if (_process.HasExited)
                throw new InvalidOperationException($"{_process.StartInfo.FileName} ended with {_process.ExitCode} before it said \"{text}\":\n{Said}");
            await Task.WhenAny(said, _process.WaitForExitAsync(stop)).WaitAsync(stop);
        }
    }

    public Task WaitForExitAsync(CancellationToken stop) => _process.WaitForExitAsync(stop);

    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial void Signal(int pid, int signal);

    /// <summary>SIGKILL to a process and what it started, wherever it came from.</summary>
    public static void KillGroup(int pid)
    {
        Signal(-pid, SigKill);
        Signal(pid, SigKill);
    }

    /// <summary>SIGKILL: it cannot clean anything up.</summary>
    public async Task KillAsync()
    {
        Signal(Pid, SigKill);
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGHUP: many services read their configuration again.</summary>
    public void Hangup() => Signal(Pid, SigHangup);

    public void Freeze() => Signal(Pid, SigStop);

    public void Thaw() => Signal(Pid, SigContinue);

    public async Task TerminateAsync(CancellationToken stop)
    {
        Signal(Pid, SigTerminate);
        await _process.WaitForExitAsync(stop);
    }

    public async Task InterruptAsync(CancellationToken stop)
    {
        Signal(Pid, SigInterrupt);
        await _process.WaitForExitAsync(stop);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Signal(Pid, SigContinue);
            await KillAsync();
        }
        _process.Dispose();
    }
}
