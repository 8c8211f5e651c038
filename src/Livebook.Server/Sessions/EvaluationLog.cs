using Microsoft.Extensions.Logging;

namespace Livebook.Server.Sessions;

/// <summary>Says which code is evaluated and who is there, for audits (S10). Metadata is written only as far as LIVEBOOK_LOG_METADATA names it.</summary>
internal sealed partial class EvaluationLog(ILoggerFactory logs)
{
    private readonly ILogger _logger = logs.CreateLogger("Livebook.Evaluations");

    public void Write(string code, IEnumerable<string> users)
    {
        if (!_logger.IsEnabled(LogLevel.Information))
            return;
        using var scope = _logger.BeginScope(
            new KeyValuePair<string, object?>[]
            {
                new("users", string.Join(", ", users)),
                new("session_mode", "default"),
                new("code", code),
                new("event", "code.evaluate"),
            }
        );
        LogEvaluating(_logger);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Evaluating code")]
    private static partial void LogEvaluating(ILogger logger);
}
