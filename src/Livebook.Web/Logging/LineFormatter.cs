using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Livebook.Web.Logging;

/// <summary>One line for each entry of the log: text for people or a JSON object for machines.</summary>
internal sealed class LineFormatter(LogOptions options, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "livebook";

    /// <summary>Lines are for log collectors, not for pages: code stays readable.</summary>
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (message is null && logEntry.Exception is null)
            return;
        var metadata = Metadata(scopeProvider);
        if (options.Json)
            WriteJson(logEntry.LogLevel, logEntry.Category, message, logEntry.Exception, metadata, textWriter);
        else
            WriteText(logEntry.LogLevel, logEntry.Category, message, logEntry.Exception, metadata, textWriter);
    }

    private void WriteText(LogLevel level, string category, string? message, Exception? error, List<KeyValuePair<string, string>> metadata, TextWriter writer)
    {
        var line = new StringBuilder().Append(time.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture)).Append(' ');
        foreach (var (key, value) in metadata)
            line.Append(key).Append('=').Append(value).Append(' ');
        line.Append('[').Append(NameOf(level)).Append("] ").Append(category).Append(": ").Append(message);
        if (error is not null)
            line.Append(' ').Append(error);
        // What a user or another node wrote must not look like a line of ours.
        writer.WriteLine(line.Replace("\r", "").Replace("\n", "\\n").ToString());
    }

    private void WriteJson(LogLevel level, string category, string? message, Exception? error, List<KeyValuePair<string, string>> metadata, TextWriter writer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            json.WriteString("time", time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("severity", NameOf(level));
            json.WriteString("message", message);
            json.WriteString("logger", category);
            if (error is not null)
                json.WriteString("error", error.ToString());
            json.WriteStartObject("metadata");
            foreach (var (key, value) in metadata)
                json.WriteString(key, value);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        writer.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private List<KeyValuePair<string, string>> Metadata(IExternalScopeProvider? scopes)
    {
        var found = new List<KeyValuePair<string, string>>();
        scopes?.ForEachScope(
            (scope, list) =>
            {
                if (scope is not IEnumerable<KeyValuePair<string, object?>> values)
                    return;
                foreach (var (name, value) in values)
                {
                    var key = name == "RequestId" ? "request_id" : name;
                    if (value is not null && options.Metadata.Contains(key))
                        list.Add(KeyValuePair.Create(key, Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
                }
            },
            found
        );
        return found;
    }

    private static string NameOf(LogLevel level) =>
        level switch
        {
            LogLevel.Critical or LogLevel.Error => "error",
            LogLevel.Warning => "warning",
            LogLevel.Information => "info",
            _ => "debug",
        };
}
