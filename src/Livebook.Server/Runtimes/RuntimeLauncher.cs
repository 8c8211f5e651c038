using System.Net.Sockets;
using System.Security.Cryptography;
using Livebook.Protocol;
using Livebook.Server.Runtimes.Isolation;
using Microsoft.Extensions.Logging;

namespace Livebook.Server.Runtimes;

/// <summary>Starts runtimes and connects to those that live.</summary>
internal sealed class RuntimeLauncher(RuntimeContext context, Task<Confinement> confinement)
{
    private static readonly TimeSpan ConnectPause = TimeSpan.FromMilliseconds(10);

    /// <summary>Starts a process; completes when it can evaluate.</summary>
    /// <exception cref="RuntimeStartException">It could not be started, ended, or took too long; nothing is left of it.</exception>
    public async Task<RuntimeProcess> LaunchAsync(CancellationToken stop)
    {
        var program = RuntimeProgram.Find(context.Options);
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var socket = context.Folder.SocketOf(id);
        using var late = new CancellationTokenSource(context.Options.StartTimeout, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        var command = RuntimeProgram.Command(program, socket, context.Folder.Path, context.Options);
        (await confinement.WaitAsync(either.Token)).Apply(command, Path.GetDirectoryName(socket)!);
        var child = await ChildProcess.StartAsync(command, key, either.Token);
        RuntimeProcess? runtime = null;
        try
        {
            var record = new RuntimeRecord(id, child.Pid, child.StartedAt, key, null, 0, socket, "");
            context.Folder.Write(record);
            runtime = new RuntimeProcess(context, record, await ConnectAsync(socket, child, either.Token), child, 0);
            var ready = await runtime.Ready.WaitAsync(either.Token);
            if (ready.Protocol is < Frames.ProtocolMin or > Frames.ProtocolMax)
                throw new RuntimeStartException(
                    $"The runtime speaks protocol {ready.Protocol}, this server {Frames.ProtocolMin} to {Frames.ProtocolMax}: they are of different releases."
                );
            return runtime;
        }
        catch (Exception error)
        {
            if (runtime is not null)
                await runtime.KillAsync("The runtime could not be started.");
            else
                await DiscardAsync(child, id, socket, wanted: !stop.IsCancellationRequested);
            stop.ThrowIfCancellationRequested();
            if (error is OperationCanceledException)
                throw new RuntimeStartException($"The runtime did not answer within {context.Options.StartTimeout.TotalSeconds:0.#} s and was ended.");
            throw error as RuntimeStartException ?? new RuntimeStartException($"The runtime could not be started: {error.Message}");
        }
    }

    /// <summary>Connects to a process of an earlier server; null when it does not answer.</summary>
    public async Task<RuntimeProcess?> ReconnectAsync(RuntimeRecord record, long lastReport, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(context.Options.StartTimeout, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        try
        {
            var connection = await RuntimeConnection.ConnectAsync(record.Socket, context.Time, either.Token);
            return new RuntimeProcess(context, record, connection, null, lastReport);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            stop.ThrowIfCancellationRequested();
            return null;
        }
    }

    private async Task<RuntimeConnection> ConnectAsync(string socket, ChildProcess child, CancellationToken stop)
    {
        while (true)
        {
            if (child.Exited.IsCompleted)
                throw new RuntimeStartException(ChildProcess.Words(child.ExitCode));
            try
            {
                return await RuntimeConnection.ConnectAsync(socket, context.Time, stop);
            }
            catch (SocketException)
            {
                await Task.WhenAny(child.Exited, Task.Delay(ConnectPause, stop));
                stop.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task DiscardAsync(ChildProcess child, string id, string socket, bool wanted)
    {
        ProcessTree.KillGroup(child.Pid);
        if (!child.Exited.IsCompleted)
            ProcessTree.KillOne(child.Pid);
        await child.Exited;
        if (wanted)
            context.Log.LogWarning("a runtime could not be started: {Reason} Its last words: {Words}", ChildProcess.Words(child.ExitCode), child.LastWords);
        child.Dispose();
        context.Folder.Remove(id, socket);
    }
}
