using System.Collections.Immutable;
using System.Reflection;
using Livebook.Kino.Hosting;
using Livebook.Protocol;
using Livebook.Runtime.Capture;
using Livebook.Runtime.Packages;
using Microsoft.CodeAnalysis;
using Diagnostic = Livebook.Protocol.Diagnostic;
using OutputKind = Livebook.Protocol.OutputKind;

namespace Livebook.Runtime.CSharp;

/// <summary>How an evaluation ended, before it is reported.</summary>
/// <param name="Last">The last output: the result or the error.</param>
internal sealed record Verdict(EvaluationStatus Status, Output? Last, ImmutableArray<Diagnostic> Diagnostics);

/// <summary>Evaluates C# cells.</summary>
internal sealed class CSharpEvaluator
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
    private readonly SubmissionChains chains = new(new CellCompiler().Root);
    private readonly SessionPackages packages;
    private readonly CellAssemblies assemblies;
    private readonly UnsupportedCells unsupported = new();
    private readonly CellTemplates templates = new();

    public CSharpEvaluator(SessionPackages packages)
    {
        this.packages = packages;
        assemblies = new CellAssemblies(packages);
    }

    /// <summary>Path of the notebook file; names the sources in stack traces.</summary>
    public string NotebookPath { get; set; } = "";

    public void Forget(string cell)
    {
        chains.Forget(cell);
        unsupported.Remove(cell);
    }

    /// <summary>The compiler's opinion on a cell that is being edited.</summary>
    public ImmutableArray<Diagnostic> Diagnose(RuntimeCommand.Diagnose command, CancellationToken stop)
    {
        var commands = ForeignCommands.Read(command.Source);
        if (commands.Unsupported is { } foreign)
            return [foreign];
        var directives = PackageDirectives.Parse(commands.Source);
        var parent = chains.Resolve(command.Path, out _);
        var references = directives.AssemblyPaths.Where(File.Exists).Select(path => (MetadataReference)MetadataReference.CreateFromFile(path));
        var diagnostics = CellCompiler.Diagnose(templates.Borrow(parent), directives.Source, [.. references], stop);
        return unsupported.Explain(command.Path, directives.Source, diagnostics) is null ? [.. directives.Errors, .. diagnostics] : directives.Errors;
    }

    /// <summary>Runs a cell and keeps what it defines if it succeeds.</summary>
    /// <param name="started">Receives the thread that runs the code, so that it can be interrupted.</param>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    public async Task<Verdict> EvaluateAsync(RuntimeCommand.Evaluate command, CellOutput output, Action<string?> progress, Action<CellThread> started)
    {
        var run = output.Run;
        unsupported.Remove(command.Cell);
        var commands = ForeignCommands.Read(command.Source);
        if (commands.Unsupported is { } foreign)
            return Unsupported(command, foreign.Message, [foreign]);
        var directives = PackageDirectives.Parse(commands.Source);
        if (directives.Errors.Any(error => error.Severity == Protocol.DiagnosticSeverity.Error))
            return new Verdict(EvaluationStatus.Failed, ErrorReport.Of(directives.Errors), directives.Errors);
        ImmutableArray<MetadataReference> references;
        try
        {
            references = await ReferencesAsync(directives, run, progress);
        }
        catch (PackageException error)
        {
            return new Verdict(EvaluationStatus.Failed, ErrorReport.Of(error, directives.Packages[0].LineIn(command.Source)), directives.Errors);
        }

        var parent = chains.Resolve(command.Path, out var outdated);
        foreach (var cell in outdated)
            run.Produce(
                Output.Text(
                    OutputKind.Warning,
                    $"Cell {cell} uses types of an older version of a cell above it, so older values are seen here. Evaluate it again."
                )
            );
        var (compiled, diagnostics) = CellCompiler.Compile(
            templates.Take(parent),
            directives.Source,
            NotebookPath + ErrorReport.CellMark + command.Cell,
            references,
            run.Stopping
        );
        diagnostics = [.. directives.Errors, .. diagnostics];
        if (compiled is null)
            return unsupported.Explain(command.Path, directives.Source, diagnostics) is { } reason
                ? Unsupported(command, reason, directives.Errors)
                : new Verdict(EvaluationStatus.Failed, ErrorReport.Of(diagnostics), diagnostics);

        var tree = compiled.Compilation.SyntaxTrees[0];
        if (compiled.Code is null)
        {
            var nothing = new Submission(command.Cell, compiled.Name, tree, references, null, null);
            Commit(command.Cell, new ChainLink(parent, compiled.Compilation, parent.States, nothing));
            return new Verdict(EvaluationStatus.Ok, null, diagnostics);
        }

        var assembly = assemblies.Load(compiled.Name, compiled.Code, compiled.Symbols!);
        var states = StateClone.Of(parent.States);
        var thread = new CellThread(run, compiled.HasResult, () => Factory(compiled, assembly)(states));
        started(thread);
        var outcome = await thread.RunAsync();
        if (run.StopRequested)
            throw new OperationCanceledException(run.Stopping);
        if (outcome.Exception is { } thrown)
            return new Verdict(EvaluationStatus.Failed, ErrorReport.Of(thrown, command.Cell), diagnostics);

        var variables = states[^1];
        var submission = new Submission(command.Cell, compiled.Name, tree, references, assembly, variables);
        Commit(command.Cell, new ChainLink(parent, compiled.Compilation, variables is null ? states[..^1] : states, submission));
        return new Verdict(EvaluationStatus.Ok, outcome.Value is { } value ? new Output(OutputKind.Result, value) : null, diagnostics);
    }

    /// <summary>Keeps what the cell has left, and prepares for what comes next: the cell behind it, or this one again.</summary>
    private void Commit(string cell, ChainLink link)
    {
        chains.Commit(cell, link);
        _ = Task.Run(() =>
        {
            templates.Prepare(link.Parent!);
            templates.Prepare(link);
        });
    }

    private Verdict Unsupported(RuntimeCommand.Evaluate command, string reason, ImmutableArray<Diagnostic> diagnostics)
    {
        // What an older version of the cell has defined is gone with it.
        chains.Forget(command.Cell);
        unsupported.Add(command.Cell, command.Source);
        return new Verdict(EvaluationStatus.Unsupported, Output.Text(OutputKind.Warning, reason), diagnostics);
    }

    private static Func<object?[], Task<object?>> Factory(CompiledCell compiled, Assembly assembly)
    {
        var entry = compiled.Compilation.GetEntryPoint(default)!;
        var type = assembly.GetType(entry.ContainingType.MetadataName, throwOnError: true)!;
        return type.GetMethod(entry.MetadataName, Any)!.CreateDelegate<Func<object?[], Task<object?>>>();
    }

    private async Task<ImmutableArray<MetadataReference>> ReferencesAsync(PackageDirectives directives, CellRun run, Action<string?> progress)
    {
        var paths = directives.AssemblyPaths.ToList();
        foreach (var path in paths)
            assemblies.AddFile(Path.GetFullPath(path));
        if (directives.Packages.Length > 0)
            try
            {
                var addition = await packages.AddAsync(directives.Packages, progress, run.Stopping);
                paths.AddRange(addition.CompileReferences);
                foreach (var warning in addition.Warnings)
                    run.Produce(Output.Text(OutputKind.Warning, warning));
            }
            finally
            {
                progress(null);
            }
        return [.. paths.Select(path => MetadataReference.CreateFromFile(Path.GetFullPath(path)))];
    }
}
