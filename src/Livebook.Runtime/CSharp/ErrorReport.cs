using System.Collections.Immutable;
using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Livebook.Kino;
using Livebook.Protocol;
using Livebook.Runtime.Packages;
using Diagnostic = Livebook.Protocol.Diagnostic;

namespace Livebook.Runtime.CSharp;

/// <summary>Turns compile errors and exceptions into outputs.</summary>
internal static partial class ErrorReport
{
    private const int MaximumFrames = 50;
    private const string TopLevel = "cell";

    /// <summary>What stands between the notebook's path and the cell's id in the names of sources.</summary>
    public const string CellMark = "#cell:";

    private static readonly string[] Noise =
    [
        "System.Runtime.CompilerServices.",
        "System.Runtime.ExceptionServices.",
        "System.Threading.ExecutionContext",
        "Livebook.",
    ];

    /// <summary>The output for a source that does not compile.</summary>
    public static Output Of(ImmutableArray<Diagnostic> diagnostics)
    {
        var errors = diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ToList();
        var text = string.Join('\n', errors.Select(error => $"line {error.Line}: error {error.Code}: {error.Message}"));
        var message = $"{errors[0].Code}: {errors[0].Message} (line {errors[0].Line})" + (errors.Count > 1 ? $", and {errors.Count - 1} more" : "");
        return Output.Text(OutputKind.Error, ValidText.Of(text)) with
        {
            Error = new ErrorDetails("CompilationError", ValidText.Of(message), errors[0].Line, []),
        };
    }

    /// <summary>The output for packages that could not be had; its message says what to do.</summary>
    /// <param name="line">1-based line that asks for them.</param>
    public static Output Of(PackageException error, int line)
    {
        var message = ValidText.Of(error.Message);
        return Output.Text(OutputKind.Error, message) with { Error = new ErrorDetails("PackageError", message, line, []) };
    }

    /// <summary>The output for an exception that a cell did not catch.</summary>
    public static Output Of(Exception thrown, string cell)
    {
        if (thrown is AggregateException { InnerExceptions: [var only] })
            thrown = only;
        if (thrown is TargetInvocationException { InnerException: { } target })
            thrown = target;
        var trace = Trace(thrown);
        var text = new StringBuilder();
        Append(text, thrown, trace);
        var details = new ErrorDetails(
            TypeNames.Full(thrown.GetType()),
            ValidText.Of(Message(thrown)),
            trace.FirstOrDefault(frame => frame.Cell == cell)?.Line,
            trace
        );
        return Output.Text(OutputKind.Error, ValidText.Of(text.ToString())) with { Error = details };
    }

    private static void Append(StringBuilder text, Exception thrown, ImmutableArray<TraceFrame> trace)
    {
        text.Append(TypeNames.Full(thrown.GetType())).Append(": ").Append(Message(thrown));
        foreach (var frame in trace)
        {
            text.Append("\n   at ").Append(frame.Method);
            if (frame.Cell is not null)
                text.Append(frame.Method == TopLevel ? " " : " in cell ").Append(frame.Cell);
            if (frame.Line is { } line)
                text.Append(", line ").Append(line);
        }
        IEnumerable<Exception> inner =
            thrown is AggregateException several ? several.InnerExceptions
            : thrown.InnerException is { } one ? [one]
            : [];
        foreach (var exception in inner.Take(10))
        {
            text.Append("\n ---> ");
            Append(text, exception, Trace(exception));
        }
    }

    private static string Message(Exception thrown)
    {
        try
        {
            return thrown.Message;
        }
        catch (Exception broken) when (broken is not (OperationCanceledException or ThreadInterruptedException))
        {
            return $"(its message could not be read: {broken.GetType().Name})";
        }
    }

    /// <summary>The frames from the innermost to the last one in a cell, without the machinery of async methods.</summary>
    private static ImmutableArray<TraceFrame> Trace(Exception thrown)
    {
        var frames = new StackTrace(thrown, true).GetFrames().Select(Frame).OfType<TraceFrame>().Take(MaximumFrames).ToList();
        var last = frames.FindLastIndex(frame => frame.Cell is not null);
        return last < 0 ? [.. frames] : [.. frames.Take(last + 1)];
    }

    private static TraceFrame? Frame(StackFrame frame)
    {
        if (frame.GetMethod() is not { DeclaringType: { } type } method)
            return null;
        var file = frame.GetFileName();
        var mark = file?.LastIndexOf(CellMark, StringComparison.Ordinal) ?? -1;
        var line = frame.GetFileLineNumber() is var number and > 0 ? number : (int?)null;
        if (mark >= 0)
            return new TraceFrame(MethodName(type, method), file![(mark + CellMark.Length)..], line);
        var name = MethodName(type, method);
        var full = type.FullName ?? type.Name;
        return type.Assembly.IsCollectible || Array.Exists(Noise, noise => full.StartsWith(noise, StringComparison.Ordinal))
            ? null
            : new TraceFrame(name, null, line);
    }

    private static string MethodName(Type type, MethodBase method)
    {
        var name = method.Name;
        // Compiler-made classes around lambdas and state machines: the name a person wrote stands between < and >.
        while (type.Name.StartsWith('<') && type.DeclaringType is { } outer)
        {
            if (name == "MoveNext" && Written().Match(type.Name) is { Success: true } machine)
                name = machine.Groups[1].Value;
            type = outer;
        }
        if (Local().Match(name) is { Success: true } local)
            name = local.Groups[1].Value;
        else if (name.Contains(">b__", StringComparison.Ordinal))
            name = "lambda";
        else if (name is "<Initialize>" or "<Factory>")
            name = TopLevel;
        else if (name == ".ctor" && TypeNames.IsCellScope(type))
            name = TopLevel;
        var arguments = name is TopLevel or "lambda"
            ? ""
            : "(" + string.Join(", ", method.GetParameters().Select(parameter => TypeNames.Short(parameter.ParameterType))) + ")";
        if (method.Name == "MoveNext")
            arguments = name is TopLevel or "lambda" ? "" : "()";
        if (TypeNames.IsCellScope(type))
            return name + arguments;
        return name == ".ctor" ? "new " + TypeNames.Full(type) + arguments : TypeNames.Full(type) + "." + name + arguments;
    }

    [GeneratedRegex("^<(.+)>d(__.*)?$")]
    private static partial Regex Written();

    [GeneratedRegex(@">g__(\w+)\|")]
    private static partial Regex Local();
}
