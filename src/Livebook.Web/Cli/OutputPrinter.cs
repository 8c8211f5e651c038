using System.Text.RegularExpressions;
using Livebook.Core.Sessions;
using Livebook.Protocol;

namespace Livebook.Web.Cli;

/// <summary>Streams what cells put out to the terminal: output and results to stdout, everything else to stderr.</summary>
internal sealed partial class OutputPrinter
{
    private readonly Dictionary<(string Cell, string Output), long> _printed = [];
    private readonly bool _outputColours = ColoursWanted && !Console.IsOutputRedirected;
    private readonly bool _errorColours = ColoursWanted && !Console.IsErrorRedirected;

    private static bool ColoursWanted =>
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>ANSI escape sequences: CSI, OSC and two-character ones (ECMA-48).</summary>
    [GeneratedRegex(@"\u001b(\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)|[@-Z\\-_])")]
    public static partial Regex Ansi { get; }

    /// <summary>Prints what has not been printed of this state.</summary>
    public void Print(SessionState state)
    {
        foreach (var cell in state.Notebook.Cells)
        {
            foreach (var output in state.StateOf(cell.Id).Outputs)
                Print(cell.Id, output);
        }
    }

    private void Print(string cell, CellOutput output)
    {
        var done = _printed.GetValueOrDefault((cell, output.Id));
        if (output.Chunks is { } chunks)
        {
            var at = output.Cut;
            foreach (var chunk in chunks)
            {
                var from = (int)Math.Clamp(done - at, 0, chunk.Length);
                Write(output.Kind, chunk[from..]);
                at += chunk.Length;
            }
            _printed[(cell, output.Id)] = at;
            return;
        }
        if (done > 0)
            return;
        _printed[(cell, output.Id)] = 1;
        var text =
            (IsOutput(output.Kind) ? _outputColours : _errorColours) && output.Data?.GetValueOrDefault("text/x-ansi") is { } coloured
                ? coloured.Value
                : output.Data?.GetValueOrDefault("text/plain")?.Value;
        if (!string.IsNullOrEmpty(text))
            Write(output.Kind, text.EndsWith('\n') ? text : text + "\n");
    }

    private void Write(OutputKind kind, string text)
    {
        if (text.Length == 0)
            return;
        var (writer, colours) = IsOutput(kind) ? (Console.Out, _outputColours) : (Console.Error, _errorColours);
        writer.Write(colours ? text : Ansi.Replace(text, ""));
    }

    private static bool IsOutput(OutputKind kind) => kind is OutputKind.Stdout or OutputKind.Result or OutputKind.Display;
}
