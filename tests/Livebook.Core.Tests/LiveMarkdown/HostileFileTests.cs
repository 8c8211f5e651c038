using System.Text;
using Livebook.Core.LiveMarkdown;

namespace Livebook.Core.Tests.LiveMarkdown;

public class HostileFileTests
{
    public static TheoryData<string, int> Repeated =>
        new()
        {
            { "> ", 200_000 },
            { "- ", 200_000 },
            { "```\n", 1_000_000 },
            { "```csharp\n1\n```\n", 100_000 },
            { "<!-- livebook:{\"a\":1} -->\n", 50_000 },
            { "<!-- livebook:{\"output\":true} -->\n```\nx\n```\n", 50_000 },
            { "## a\n", 50_000 },
            { "a\n", 500_000 },
            { "a\n===\n", 50_000 },
            { "<!-- ", 200_000 },
            { "<a ", 200_000 },
            { "<script>\n", 200_000 },
            { "\0", 200_000 },
            { "    x\n\n\n", 100_000 },
            { "-\n\n", 100_000 },
            { "\r", 500_000 },
            { "#", 500_000 },
            { "`", 500_000 },
        };

    [Theory]
    [MemberData(nameof(Repeated))]
    public void Much_of_the_same_comes_back(string piece, int times)
    {
        var start = "# A\n\n## B\n\n```csharp\n0\n```\n\n";
        var bytes = Encoding.UTF8.GetBytes(start + string.Concat(Enumerable.Repeat(piece, times)));
        var notebook = LiveMarkdownReader.Read(bytes, "seed").Notebook;
        Assert.True(bytes.AsSpan().SequenceEqual(LiveMarkdownWriter.WriteBytes(notebook)));
    }

    [Theory]
    [MemberData(nameof(Repeated))]
    public void Each_line_is_looked_at_a_few_times_at_most(string piece, int times)
    {
        var text = string.Concat(Enumerable.Repeat(piece, times));
        var scanner = new BlockScanner(text);
        while (scanner.Next(out _)) { }
        Assert.InRange(scanner.LinesRead, 1, 4 * (text.AsSpan().CountAny('\n', '\r') + 2));
    }

    [Fact]
    public void Fifty_megabytes_come_back()
    {
        var bytes = new byte[50_000_000];
        ReadOnlySpan<byte> piece = "## Section\n\nSome *text* with a [link](x).\n\n```csharp\nvar x = 1;\n```\n\n- a list\n\n  ```\n  code\n  ```\n\n"u8;
        for (var at = 0; at < bytes.Length; at += piece.Length)
            piece[..Math.Min(piece.Length, bytes.Length - at)].CopyTo(bytes.AsSpan(at));
        var notebook = LiveMarkdownReader.Read(bytes, "seed").Notebook;
        Assert.True(bytes.AsSpan().SequenceEqual(LiveMarkdownWriter.WriteBytes(notebook)));
    }
}
