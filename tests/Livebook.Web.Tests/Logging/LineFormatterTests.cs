using System.Text.Json;
using Livebook.Web.Configuration;
using Livebook.Web.Logging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Livebook.Web.Tests.Logging;

public sealed class LineFormatterTests
{
    [Fact]
    public void An_entry_is_one_line_of_text_whatever_is_in_it()
    {
        var line = Write(LogOptions.Standard, "a session was called \"x\n12:00:00.000 [info] forged\"", new InvalidOperationException("two\r\nlines"));

        Assert.Equal(1, line.Count(c => c == '\n'));
        Assert.Contains("request_id=r1 [warning] Livebook.Test: a session", line, StringComparison.Ordinal);
        Assert.DoesNotContain("code=", line, StringComparison.Ordinal);
    }

    [Fact]
    public void As_json_it_has_time_severity_message_and_the_metadata_that_was_asked_for()
    {
        var line = Write(new LogOptions(null, true, ["code", "event"]), "hello \"you\"", new InvalidOperationException("why"));

        using var json = JsonDocument.Parse(line);
        Assert.Equal("hello \"you\"", json.RootElement.GetProperty("message").GetString());
        Assert.Equal("warning", json.RootElement.GetProperty("severity").GetString());
        Assert.Equal("""{"code":"1 + 1","event":"code.evaluate"}""", json.RootElement.GetProperty("metadata").ToString());
        Assert.Contains("why", json.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.True(json.RootElement.GetProperty("time").TryGetDateTimeOffset(out _));
    }

    [Theory]
    [InlineData("LIVEBOOK_LOG_LEVEL", "loud", "error, warning, notice, info or debug")]
    [InlineData("LIVEBOOK_LOG_FORMAT", "xml", "text or json")]
    [InlineData("LIVEBOOK_LOG_METADATA", "request_id,shoe_size", "a list of")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "address of a collector")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "pigeon", "grpc or http/protobuf")]
    public void A_wrong_variable_stops_the_start_and_says_what_is_expected(string name, string value, string expected)
    {
        using var data = new World.TemporaryFolder();
        var variables = new Dictionary<string, string>
        {
            ["LIVEBOOK_DATA_PATH"] = data.Path,
            ["LIVEBOOK_HOME"] = data.Path,
            [name] = value,
        };

        var error = Assert.Throws<ConfigurationException>(() => LivebookConfiguration.Read(variables, "1"));

        Assert.StartsWith(name, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(value, error.Message, StringComparison.Ordinal);
    }

    private static string Write(LogOptions options, string message, Exception? error)
    {
        var scopes = new LoggerExternalScopeProvider();
        using var request = scopes.Push(new Dictionary<string, object?> { ["RequestId"] = "r1" });
        using var evaluation = scopes.Push(new KeyValuePair<string, object?>[] { new("code", "1 + 1"), new("event", "code.evaluate") });
        var entry = new LogEntry<string>(LogLevel.Warning, "Livebook.Test", default, message, error, (state, _) => state);
        using var writer = new StringWriter { NewLine = "\n" };
        new LineFormatter(options, TimeProvider.System).Write(entry, scopes, writer);
        return writer.ToString();
    }
}
