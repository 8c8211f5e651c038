using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Livebook.Drill.Load;

/// <summary>
/// What users asked to be done once, and how often it was done. A cell that is run appends to a file that bears the name of its request, so executions
/// count themselves, wherever they happen.
/// </summary>
internal sealed class Requests
{
    private readonly ConcurrentDictionary<string, bool> _evaluations = new();
    private readonly ConcurrentDictionary<string, bool> _cells = new();
    private readonly ConcurrentQueue<string> _refusals = new();
    private readonly string _folder;

    /// <param name="folder">Is made; code of notebooks, which may run as another user, can write there.</param>
    public Requests(string folder)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
    }

    public int Evaluations => _evaluations.Count;

    public int Cells => _cells.Count;

    /// <summary>The code that makes an execution of this request count.</summary>
    public string SourceOf(string request) => $"System.IO.File.AppendAllText(\"{Path.Combine(_folder, request)}\", \"x\");";

    /// <summary>Asked for, or seen to be done: then it must have happened.</summary>
    public void Evaluation(string request, bool done) => _evaluations.AddOrUpdate(request, done, (_, before) => before || done);

    /// <summary>A cell with this source was asked for, or the answer was that it is there.</summary>
    public void Cell(string source, bool done) => _cells.AddOrUpdate(source, done, (_, before) => before || done);

    /// <summary>Something was refused that must be possible when nothing is lost and nothing happens twice.</summary>
    public void Refused(string what) => _refusals.Enqueue(what);

    /// <summary>What happened twice, or is said to have happened and did not.</summary>
    public IEnumerable<string> Violations(ImmutableArray<string> sources)
    {
        foreach (var refusal in _refusals)
            yield return $"refused: {refusal}";
        foreach (var (request, done) in _evaluations)
        {
            var file = new FileInfo(Path.Combine(_folder, request));
            var times = file.Exists ? file.Length : 0;
            if (times > 1)
                yield return $"duplicate: the evaluation {request} was executed {times} times";
            if (done && times == 0)
                yield return $"phantom: the evaluation {request} is said to be done and was not executed";
        }
        foreach (var (source, done) in _cells)
        {
            var times = sources.Count(each => each == source);
            if (times > 1)
                yield return $"duplicate: the cell \"{source}\" was made {times} times";
            if (done && times == 0)
                yield return $"lost: the cell \"{source}\" was acknowledged and is missing";
        }
    }
}
