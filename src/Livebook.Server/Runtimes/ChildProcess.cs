using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Livebook.Server.Runtimes.Isolation;

namespace Livebook.Server.Runtimes;

/// <summary>A process that this server has started.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const int WordsKept = 4 * 1024;

    private readonly Process _process;
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly StringBuilder _words = new();

    private ChildProcess(Process process)
    {
        _process = process;
        Pid = process.Id;
        StartedAt = ProcessTree.StartTime(Pid) ?? 0;
        process.Exited += (_, _) => OnExited();
        process.EnableRaisingEvents = true;
        if (process.HasExited)
            OnExited();
        _ = KeepTailAsync(process.StandardError.BaseStream);
        _ = KeepTailAsync(process.StandardOutput.BaseStream);
    }

    public int Pid { get; }

    /// <summary>See <see cref="ProcessTree.StartTime"/>.</summary>
    public long StartedAt { get; }

    public Task Exited => _exited.Task;

    /// <summary>Null while it runs. 128 + number when a signal ended it.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>The end of what it wrote to its standard streams; for the server's log only.</summary>
    public string LastWords
    {
        get
        {
            lock (_gate)
                return _words.ToString().Trim();
        }
    }

    /// <summary>Starts a process and gives it one line on its standard input, which is then closed.</summary>
    /// <exception cref="RuntimeStartException">It cannot be started.</exception>
    public static async Task<ChildProcess> StartAsync(ProcessStartInfo command, string line, CancellationToken stop)
    {
        try
        {
            // In the same breath: both are about this thread.
            NativeMethods.ForbidNewPrivileges();
            var process = Process.Start(command) ?? throw new RuntimeStartException($"{command.FileName} did not start.");
            var child = new ChildProcess(process);
            try
            {
                await process.StandardInput.WriteAsync($"{line}\n".AsMemory(), stop);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended before it read the line; whoever waits for it hears that.
            }
            return child;
        }
        catch (Win32Exception error)
        {
            throw new RuntimeStartException($"{command.FileName} cannot be started: {error.Message}");
        }
    }

    /// <summary>How a process ended, for a person.</summary>
    public static string Words(int? exitCode) =>
        exitCode switch
        {
            null => "The runtime's process ended.",
            0 => "The runtime ended by itself (exit code 0); Environment.Exit in a cell does that.",
            137 => "The runtime was killed (signal 9). Maybe the machine ran out of memory.",
            134 => "The runtime crashed (abort); a stack overflow or an error in native code does that.",
            139 => "The runtime crashed (segmentation fault); an error in native code does that.",
            > 128 and < 160 => $"The runtime was ended by signal {exitCode - 128}.",
            _ => $"The runtime ended with exit code {exitCode}.",
        };

    public void Dispose() => _process.Dispose();

    private void OnExited()
    {
        try
        {
            ExitCode = _process.ExitCode;
        }
        catch (InvalidOperationException)
        {
            // Its end was not ours to see.
        }
        _exited.TrySetResult();
    }

    private async Task KeepTailAsync(Stream stream)
    {
        var buffer = new byte[WordsKept];
        try
        {
            while (await stream.ReadAsync(buffer) is var read and > 0)
            {
                lock (_gate)
                {
                    _words.Append(Encoding.UTF8.GetString(buffer, 0, read));
                    if (_words.Length > WordsKept)
                        _words.Remove(0, _words.Length - WordsKept);
                }
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The process is gone.
        }
    }
}
