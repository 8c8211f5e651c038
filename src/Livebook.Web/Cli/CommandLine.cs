using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;

namespace Livebook.Web.Cli;

/// <summary>The verbs of the program.</summary>
internal static class CommandLine
{
    /// <summary>Exit status of bad usage or a file that cannot be read.</summary>
    public const int BadUsage = 2;

    private const string ServerName = "server";

    /// <summary>A day.</summary>
    private const int LongestTimeoutSeconds = 86_400;

    /// <summary>How long a command may take to end in order, e.g. to save notebooks, before it is ended.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(30);

    /// <summary>Version of this build.</summary>
    public static string Version { get; } =
        (typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0];

    public static async Task<int> RunAsync(string[] args)
    {
        var root = Root();
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                await Console.Error.WriteLineAsync(error.Message);
            await Console.Error.WriteLineAsync("livebook --help shows what is possible.");
            return BadUsage;
        }
        // The server hears signals itself: it drains first.
        var serves = parsed.CommandResult.Command is RootCommand or { Name: ServerName };
        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = serves ? null : StopPatience });
    }

    private static RootCommand Root()
    {
        var root = new RootCommand("Livebook for .NET: live, collaborative notebooks kept as Markdown.");
        var place = new Argument<string?>("PATH")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "A notebook or folder to open, or the address of a notebook.",
        };
        root.Add(place);
        root.SetAction((parsed, stop) => ServerCommand.RunAsync(parsed.GetValue(place), stop));
        foreach (var option in root.Options.OfType<VersionOption>())
            option.Action = new PrintVersion();
        root.Add(Server());
        root.Add(Run());
        return root;
    }

    private static Command Server()
    {
        var place = new Argument<string?>("PATH")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "A notebook or folder to open, or the address of a notebook.",
        };
        var server = new Command(ServerName, "Starts the server.") { place };
        server.SetAction((parsed, stop) => ServerCommand.RunAsync(parsed.GetValue(place), stop));
        return server;
    }

    private static Command Run()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "The notebook: .livemd or .ipynb." };
        var output = new Option<FileInfo?>("--output") { Description = "Writes the notebook with its outputs; .livemd or .ipynb." };
        var report = new Option<FileInfo?>("--report") { Description = "Writes what each cell did, as JSON." };
        var timeout = new Option<double?>("--timeout") { Description = "Seconds for the whole run.", CustomParser = Seconds };
        var keepGoing = new Option<bool>("--keep-going") { Description = "Goes on behind a cell that failed." };
        var strict = new Option<bool>("--strict") { Description = "A cell that cannot run here (another language, another tool's command) fails the run." };
        output.Validators.Add(MustHaveFolder);
        report.Validators.Add(MustHaveFolder);
        output.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<FileInfo?>() is { } info && info.Extension is not (".livemd" or ".ipynb"))
                result.AddError($"--output must end in .livemd or .ipynb, found {info.Name}.");
        });
        var run = new Command("run", "Evaluates a notebook from top to bottom, without a server.") { file, output, report, timeout, keepGoing, strict };
        run.SetAction(
            (parsed, stop) =>
                new RunCommand(
                    new RunOptions(
                        parsed.GetValue(file)!,
                        parsed.GetValue(output),
                        parsed.GetValue(report),
                        parsed.GetValue(timeout),
                        parsed.GetValue(keepGoing),
                        parsed.GetValue(strict)
                    )
                ).RunAsync(stop)
        );
        return run;
    }

    private static double? Seconds(ArgumentResult argument)
    {
        if (
            double.TryParse(argument.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            && seconds is > 0 and <= LongestTimeoutSeconds
        )
            return seconds;
        argument.AddError($"--timeout must be a number of seconds, more than 0 and at most {LongestTimeoutSeconds}, found {argument.Tokens[0].Value}.");
        return null;
    }

    /// <summary>Said before the run, and not after all its work.</summary>
    private static void MustHaveFolder(OptionResult option)
    {
        if (option.GetValueOrDefault<FileInfo?>() is { Directory: { Exists: false } folder })
            option.AddError($"{option.Option.Name}: there is no folder {folder.FullName}.");
    }

    /// <summary>The version alone: what a build adds to it says nothing to a person.</summary>
    private sealed class PrintVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(Version);
            return 0;
        }
    }
}
