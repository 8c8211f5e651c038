using System.CommandLine;
using System.Net.WebSockets;
using Livebook.Bench;

var json = new Option<bool>("--json") { Description = "Prints the figures as one JSON object.", Recursive = true };
var app = new Option<DirectoryInfo?>("--app")
{
    Description = "Folder of the server to measure; default: artifacts/app, else the build output.",
    Recursive = true,
};
var runs = new Option<int>("--runs")
{
    Description = "How often what is measured once per process or session is repeated.",
    DefaultValueFactory = _ => 5,
    Recursive = true,
};
var viewers = new Option<int[]>("--viewers")
{
    Description = "Numbers of viewers to measure with.",
    DefaultValueFactory = _ => [100, 1_000],
    AllowMultipleArgumentsPerToken = true,
};
var cells = new Option<int[]>("--cells")
{
    Description = "Lengths of the notebooks to measure with.",
    DefaultValueFactory = _ => [1, 100, 500],
    AllowMultipleArgumentsPerToken = true,
};
var urlA = new Option<Uri?>("--url-a") { Description = "Address, with its token, of a running node to measure instead of nodes of its own." };
var urlB = new Option<Uri?>("--url-b") { Description = "Address, with its token, of another node of the same cluster." };

var root = new RootCommand("Measures Livebook: one verb, one line of figures.") { json, app, runs };
Add("start", "Process start to the first page.", (parsed, program, report, stop) => StartUp.RunAsync(program, parsed.GetValue(runs), report, stop));
Add(
    "first-result",
    "First result of a fresh session, with and without a warm spare.",
    (parsed, program, report, stop) => FirstResult.RunAsync(program, parsed.GetValue(runs), report, stop)
);
Add(
    "cell",
    "A trivial cell from the page and back, behind other cells.",
    (parsed, program, report, stop) => TrivialCell.RunAsync(program, parsed.GetValue(cells)!, report, stop),
    cells
);
Add(
    "memory",
    "Resident memory of server, viewers and runtime.",
    (parsed, program, report, stop) => Memory.RunAsync(program, parsed.GetValue(viewers)!, report, stop),
    viewers
);
Add(
    "edit",
    "An edit to another page, on the same node and on another.",
    (parsed, program, report, stop) =>
        parsed.GetValue(urlA) is { } a ? Edits.RunAsync(a, parsed.GetValue(urlB), report, stop) : Edits.RunAsync(program, report, stop),
    urlA,
    urlB
);
Add("viewers", "Many viewers while one types.", (parsed, program, report, stop) => Viewers.RunAsync(program, parsed.GetValue(viewers)!, report, stop), viewers);
Add("output", "A cell that prints a million lines.", (parsed, program, report, stop) => MillionLines.RunAsync(program, report, stop));

// Servers and runtimes end before this does, also when it is interrupted.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });

void Add(string verb, string description, Func<ParseResult, ServerProgram, Report, CancellationToken, Task> measure, params Option[] options)
{
    var command = new Command(verb, description);
    foreach (var option in options)
        command.Add(option);
    command.SetAction(
        async (parsed, stop) =>
        {
            try
            {
                var report = new Report(verb);
                await measure(parsed, ServerProgram.Find(parsed.GetValue(app)), report, stop);
                Console.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToString());
                return 0;
            }
            catch (Exception error)
                when (error
                        is InvalidOperationException
                            or TimeoutException
                            or HttpRequestException
                            or WebSocketException
                            or IOException
                            or OperationCanceledException
                )
            {
                await Console.Error.WriteLineAsync($"{verb}: {error.Message}");
                return 1;
            }
        }
    );
    root.Add(command);
}
