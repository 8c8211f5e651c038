using Akka.Actor;
using Akka.Event;
using Livebook.Cluster.Links;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Livebook.Cluster.Membership;

/// <summary>Passes on what Akka logs, one step quieter: a broken link is the mesh's business and is told in its own words.</summary>
internal sealed class AkkaLog : ReceiveActor
{
    public AkkaLog()
    {
        var logger = Context.System.Settings.Setup.Get<LinkSetup>().Value.Logger;
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<Error>(entry => logger.Log(LogLevel.Warning, entry.Cause, "{Source}: {Message}", entry.LogSource, entry.Message));
        Receive<Warning>(entry => logger.Log(LogLevel.Debug, entry.Cause, "{Source}: {Message}", entry.LogSource, entry.Message));
        Receive<LogEvent>(entry => logger.Log(LogLevel.Trace, entry.Cause, "{Source}: {Message}", entry.LogSource, entry.Message));
    }
}
