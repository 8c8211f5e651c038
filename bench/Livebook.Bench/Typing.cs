using System.Diagnostics;
using System.Globalization;
using System.Text;
using Livebook.Core.Sessions;
using Livebook.Core.Text;

namespace Livebook.Bench;

/// <summary>Somebody types into a cell. Every edit carries a mark, so that whoever sees it knows which one it is.</summary>
internal sealed class Typing(Page page, string cell)
{
    private const string Editor = "bench-editor";

    private readonly List<long> _sent = [];
    private int _length;

    /// <summary>Types the next mark at the end of the cell, which was empty.</summary>
    public async Task TypeAsync(CancellationToken stop)
    {
        var mark = string.Create(CultureInfo.InvariantCulture, $"~{_sent.Count};");
        var change = ChangeSet.Of(_length, [(_length, _length, mark)]);
        _length += mark.Length;
        int revision;
        lock (_sent)
        {
            revision = _sent.Count;
            _sent.Add(Stopwatch.GetTimestamp());
        }
        await page.SubmitAsync(new ClientOperation.EditText(cell, Editor, revision, [change]), stop);
    }

    /// <summary>Calls back with the milliseconds that each edit in this message took to come here.</summary>
    public void Find(ReadOnlySpan<byte> message, long at, Action<double> found)
    {
        if (!message.StartsWith("{\"type\":\"entries\""u8))
            return;
        while (message.IndexOf((byte)'~') is >= 0 and var start)
        {
            message = message[(start + 1)..];
            var mark = int.Parse(Encoding.ASCII.GetString(message[..message.IndexOf((byte)';')]), CultureInfo.InvariantCulture);
            long sent;
            lock (_sent)
                sent = _sent[mark];
            found(Stopwatch.GetElapsedTime(sent, at).TotalMilliseconds);
        }
    }
}
