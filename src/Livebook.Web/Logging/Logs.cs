using Livebook.Web.Configuration;
using Microsoft.Extensions.Logging.Console;

namespace Livebook.Web.Logging;

/// <summary>Sets logging up.</summary>
internal static class Logs
{
    /// <summary>Evaluations with their code, for who audits; only when the level was asked for.</summary>
    private const string Evaluations = "Livebook.Evaluations";

    public static void AddLogs(this WebApplicationBuilder builder, LivebookConfiguration configuration)
    {
        var options = configuration.Logs;
        var logging = builder.Logging;
        logging.ClearProviders();
        builder.Services.AddSingleton(options);
        logging.AddConsole(console =>
        {
            console.FormatterName = LineFormatter.FormatterName;
            console.LogToStandardErrorThreshold = LogLevel.Trace;
        });
        builder.Services.AddSingleton<ConsoleFormatter, LineFormatter>();
        if (options.Level is { } level)
        {
            logging.SetMinimumLevel(level);
            // The engines' own chatter is for who debugs them.
            logging.AddFilter("Microsoft", level == LogLevel.Debug ? level : Highest(level, LogLevel.Warning));
            logging.AddFilter("Akka", Highest(level, LogLevel.Warning));
        }
        else
        {
            logging.SetMinimumLevel(LogLevel.Warning);
            logging.AddFilter("Livebook", LogLevel.Information);
            logging.AddFilter(Evaluations, LogLevel.Warning);
        }
        // Why the server cannot start is said by whoever starts it, in one line.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        // Its lines repeat whole addresses, with the token in them.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
    }

    private static LogLevel Highest(LogLevel left, LogLevel right) => left > right ? left : right;
}
