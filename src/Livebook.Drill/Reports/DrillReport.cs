using System.Globalization;
using System.Text;
using Livebook.Drill.Faults;
using Livebook.Drill.Load;
using Livebook.Drill.Matrix;

namespace Livebook.Drill.Reports;

/// <summary>Everything that a drill saw, and its page for people.</summary>
/// <param name="say">Hears of each violation at once.</param>
public sealed class DrillReport(string title, Action<string> say)
{
    private readonly List<Measure> _measures = [];
    private readonly List<RowResult> _rows = [];
    private readonly List<string> _violations = [];
    private readonly List<string> _remarks = [];
    private int _edits;
    private int _evaluations;
    private int _cells;
    private TimeSpan _silence;

    /// <summary>What must not be and was; empty when every invariant held.</summary>
    public IReadOnlyList<string> Violations => _violations;

    public IReadOnlyList<Measure> Measures => _measures;

    public void Add(Measure measure) => _measures.Add(measure);

    public void Add(RowResult row)
    {
        _rows.Add(row);
        Blame($"row {row.Number}", row.Violations);
    }

    /// <summary>Counts what users of a session did.</summary>
    public void Add(SessionRun load)
    {
        _edits += load.History.Acknowledged.Length;
        _evaluations += load.Evaluations;
        _cells += load.KeyedCells;
        foreach (var page in load.Pages)
            _silence = page.LongestSilence > _silence ? page.LongestSilence : _silence;
    }

    /// <param name="where">What was going on.</param>
    public void Blame(string where, IEnumerable<string> violations)
    {
        foreach (var violation in violations)
        {
            _violations.Add($"{where}: {violation}");
            say($"VIOLATION {where}: {violation}");
        }
    }

    public void Remark(string remark) => _remarks.Add(remark);

    public override string ToString()
    {
        var page = new StringBuilder();
        page.AppendLine(CultureInfo.InvariantCulture, $"# {title}").AppendLine();
        foreach (var remark in _remarks)
            page.AppendLine(CultureInfo.InvariantCulture, $"- {remark}");
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"- {_edits} edits acknowledged: {Count("is missing")} lost, {Count(" is there ")} doubled, {Count("divergent:")} divergent copies"
        );
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"- {_evaluations} evaluations and {_cells} cells asked for: {Count("duplicate:")} duplicates, {Count("phantom:")} said to be done and not done"
        );
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"- {Count("two owners:")} epochs with two owners, {Count("ghost:")} ghosts, {Count("stuck:")} times stuck, {Count("protocol:")} breaches of the protocol"
        );
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"- longest that input waited before the server's side told the page: {Seconds(_silence)} (a browser's page says so by itself)"
        );
        if (_rows.Count > 0)
        {
            page.AppendLine().AppendLine("| row | what | done | bound | median | worst | result |").AppendLine("|---|---|---|---|---|---|---|");
            foreach (var row in _rows)
                page.AppendLine(row.ToString());
        }
        if (_measures.Count > 0)
        {
            page.AppendLine()
                .AppendLine("Seconds, median / worst:")
                .AppendLine()
                .AppendLine("| fault | times | detection | failover | longest wait of an edit | owner changes |")
                .AppendLine("|---|---|---|---|---|---|");
            foreach (var kind in _measures.GroupBy(measure => NameOf(measure.Fault)).OrderBy(kind => kind.Key, StringComparer.Ordinal))
            {
                page.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"| {kind.Key} | {kind.Count()} | {Spread(kind.Select(m => m.Detection))} | {Spread(kind.Select(m => m.Failover))} | {Spread(kind.Select(m => (TimeSpan?)m.LongestWait))} | {kind.Sum(m => m.OwnerChanges)} |"
                );
            }
        }
        page.AppendLine().AppendLine(_violations.Count == 0 ? "Every invariant held." : $"{_violations.Count} violations:");
        foreach (var violation in _violations.Take(100))
            page.AppendLine(CultureInfo.InvariantCulture, $"- {violation}");
        if (_violations.Count > 100)
            page.AppendLine(CultureInfo.InvariantCulture, $"- and {_violations.Count - 100} more");
        return page.ToString();
    }

    /// <summary>Median and worst in seconds; a dash when nothing was measured.</summary>
    internal static string Spread(IEnumerable<TimeSpan?> times)
    {
        var sorted = times.OfType<TimeSpan>().Order().ToArray();
        return sorted.Length == 0 ? "–" : $"{Seconds(sorted[sorted.Length / 2])} / {Seconds(sorted[^1])}";
    }

    internal static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>Kind and target, without the seconds.</summary>
    internal static string NameOf(Fault fault) =>
        fault switch
        {
            Fault.Kill(var target) => $"kill -9 of the {Word(target)}",
            Fault.KillAll => "kill -9 of all",
            Fault.Freeze(var target, _) => $"freeze of the {Word(target)}",
            Fault.Stop(var target) => $"SIGTERM to the {Word(target)}",
            Fault.Rejoin(var target) => $"return of the {Word(target)}",
            Fault.Split => "the owner in a minority",
            Fault.KillRuntime => "kill -9 of the runtime",
            Fault.Isolate(var target, _) => $"the {Word(target)} cut off",
            Fault.CutOneWay(var from, var to, _) => $"cut from the {Word(from)} to the {Word(to)}",
            Fault.CutPair(var one, var two, _) => $"cut between the {Word(one)} and the {Word(two)}",
            Fault.Flap(var target, _) => $"flapping links of the {Word(target)}",
            Fault.SlowNet => "slow links",
            Fault.FlapDns => "flapping DNS",
            Fault.SilenceDns => "silent DNS",
            Fault.CutSockets => "all web sockets cut",
            _ => fault.ToString(),
        };

    private static string Word(Target target) =>
        target switch
        {
            Target.Owner => "owner",
            Target.Standby => "standby",
            _ => "third node",
        };

    private int Count(string mark) => _violations.Count(violation => violation.Contains(mark, StringComparison.Ordinal));
}
