namespace Livebook.Runtime.Capture;

/// <summary>Standard input of cells: there is none, and whoever reads is told so at once instead of waiting for ever.</summary>
internal sealed class NoInput : TextReader
{
    public override int Read() => throw Refused();

    public override int Read(char[] buffer, int index, int count) => throw Refused();

    public override int Read(Span<char> buffer) => throw Refused();

    public override int Peek() => throw Refused();

    public override string? ReadLine() => throw Refused();

    public override string ReadToEnd() => throw Refused();

    public override Task<string?> ReadLineAsync() => throw Refused();

    private static InvalidOperationException Refused() =>
        new("standard input is not available here: a notebook has no terminal to read from; set a variable in the cell instead");
}
