using System.Text;
using Livebook.Kino.Hosting;
using Livebook.Protocol;

namespace Livebook.Runtime.Capture;

/// <summary>The writer behind <see cref="System.Console.Out"/> or <c>Error</c>: sends text to the run it was written by.</summary>
internal sealed class CellConsole(OutputKind kind, RunningCells running, TextWriter? outsideOfCells) : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => Write(new ReadOnlySpan<char>(in value));

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void WriteLine(string? value)
    {
        Write(value.AsSpan());
        Write(CoreNewLine);
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        running.BringInNativeOutput();
        if (running.Find(CellRun.Current) is { } output)
            output.Write(kind, buffer);
        else if (CellRun.Current is null)
            outsideOfCells?.Write(buffer);
    }
}
