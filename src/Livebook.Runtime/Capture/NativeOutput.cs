using System.Text;
using Livebook.Protocol;
using Livebook.Runtime.Host;

namespace Livebook.Runtime.Capture;

/// <summary>
/// Standard output and error of the process itself as pipes: what native code, child processes and terminal codes write goes to the running cell.
/// Must be set up before <see cref="System.Console"/> is used for the first time, because it keeps a copy of the descriptor.
/// </summary>
internal sealed class NativeOutput
{
    private const int CloseOnExec = 0x80000;
    private readonly RunningCells running;
    private readonly Source[] streams;

    private NativeOutput(RunningCells running, Source[] streams) => (this.running, this.streams) = (running, streams);

    /// <summary>Redirects descriptors 1 and 2.</summary>
    public static NativeOutput Redirect(RunningCells running)
    {
        var output = new NativeOutput(running, [new Source(Redirect(1), OutputKind.Stdout), new Source(Redirect(2), OutputKind.Stderr)]);
        foreach (var stream in output.streams)
            new Thread(() => output.ReadForEver(stream)) { IsBackground = true, Name = $"native {stream.Kind}" }.Start();
        return output;
    }

    /// <summary>Hands over what has been written so far.</summary>
    public void Drain()
    {
        foreach (var stream in streams)
            Deliver(stream);
    }

    /// <summary>As <see cref="Drain"/>, after telling the C library to write what it still holds back.</summary>
    public void FlushAndDrain()
    {
        _ = NativeMethods.FlushCStream(0);
        Drain();
    }

    private static unsafe int Redirect(int descriptor)
    {
        var ends = stackalloc int[2];
        if (NativeMethods.Pipe(ends, CloseOnExec) != 0 || NativeMethods.Duplicate(ends[1], descriptor) < 0)
            throw new IOException($"descriptor {descriptor} could not be redirected");
        _ = NativeMethods.Close(ends[1]);
        return ends[0];
    }

    private void ReadForEver(Source stream)
    {
        while (true)
        {
            HasInput(stream, -1);
            Deliver(stream);
        }
    }

    private void Deliver(Source stream)
    {
        if (!HasInput(stream, 0))
            return;
        try
        {
            lock (stream)
                while (HasInput(stream, 0))
                {
                    var count = stream.Read();
                    if (count == 0)
                        return;
                    running.Latest?.Write(stream.Kind, stream.Characters.AsSpan(0, count));
                }
        }
        catch (OperationCanceledException)
        {
            // The run that the text belonged to was stopped: nobody wants it any more.
        }
    }

    private static unsafe bool HasInput(Source stream, int milliseconds)
    {
        var entry = new NativeMethods.PollEntry { Descriptor = stream.Descriptor, Events = NativeMethods.PollIn };
        return NativeMethods.Poll(&entry, 1, milliseconds) > 0 && (entry.Returned & NativeMethods.PollIn) != 0;
    }

    private sealed class Source(int descriptor, OutputKind kind)
    {
        private readonly Decoder decoder = Encoding.UTF8.GetDecoder();
        private readonly byte[] bytes = new byte[16 * 1024];

        public int Descriptor => descriptor;
        public OutputKind Kind => kind;
        public char[] Characters { get; } = new char[16 * 1024 + 1];

        public unsafe int Read()
        {
            fixed (byte* start = bytes)
            {
                var count = NativeMethods.Read(descriptor, start, bytes.Length);
                return count <= 0 ? 0 : decoder.GetChars(bytes, 0, (int)count, Characters, 0);
            }
        }
    }
}
