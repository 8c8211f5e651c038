using System.Globalization;
using System.Text.Json.Nodes;

namespace Livebook.Bench;

/// <summary>The figures of one verb. Names end in their unit.</summary>
internal sealed class Report(string verb)
{
    private readonly List<(string Name, double Value)> _figures = [];

    public void Add(string name, double value) => _figures.Add((name, Math.Round(value, value < 10 ? 2 : 1)));

    /// <summary>Adds median and 99th percentile of samples (nearest rank).</summary>
    public void AddSpread(string name, IEnumerable<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToArray();
        Add($"{name}_p50_ms", At(sorted, 0.50));
        Add($"{name}_p99_ms", At(sorted, 0.99));
    }

    /// <summary>Adds median, smallest and largest of few samples.</summary>
    public void AddMedian(string name, IEnumerable<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToArray();
        Add($"{name}_median_ms", At(sorted, 0.50));
        Add($"{name}_min_ms", sorted[0]);
        Add($"{name}_max_ms", sorted[^1]);
    }

    private static double At(double[] sorted, double quantile) =>
        sorted.Length == 0 ? throw new InvalidOperationException("nothing was measured") : sorted[(int)Math.Ceiling(quantile * sorted.Length) - 1];

    public string ToJson()
    {
        var json = new JsonObject { ["verb"] = verb };
        foreach (var (name, value) in _figures)
            json[name] = value;
        return json.ToJsonString();
    }

    public override string ToString() =>
        $"{verb}: {string.Join(' ', _figures.Select(figure => string.Create(CultureInfo.InvariantCulture, $"{figure.Name}={figure.Value}")))}";
}
