using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Livebook.Cluster;
using Livebook.Server.Nodes;
using Livebook.Web.Configuration;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Livebook.Web.Hosting;

/// <summary>
/// Metrics and traces for an OpenTelemetry collector, by the standard's own variables. Without them nothing of it is loaded: it would cost
/// every server memory and time at its start.
/// </summary>
internal static class Telemetry
{
    private const string Otlp = "otlp";

    private static readonly string[] Endpoints =
    [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    ];

    public static void AddTo(WebApplicationBuilder builder, LivebookConfiguration configuration)
    {
        if (IsWanted(configuration.Telemetry))
            Load(builder, configuration);
    }

    /// <summary>Whether something is to be exported.</summary>
    internal static bool IsWanted(ImmutableDictionary<string, string> variables) =>
        !variables.GetValueOrDefault("OTEL_SDK_DISABLED", "").Equals("true", StringComparison.OrdinalIgnoreCase)
        && (
            Endpoints.Any(variables.ContainsKey)
            || new[] { "OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER" }.Any(name => variables.GetValueOrDefault(name) == Otlp)
        );

    /// <summary>Addresses may hold the token that signs in.</summary>
    private sealed class WithoutQueries : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            foreach (var tag in new[] { "url.query", "url.full", "http.url", "http.target" })
                data.SetTag(tag, null);
        }
    }

    /// <summary>A method of its own, so that the libraries are loaded only when it is called.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Load(WebApplicationBuilder builder, LivebookConfiguration configuration)
    {
        var variables = configuration.Telemetry;
        // The SDK reads its variables from the configuration; the environment has them no more.
        builder.Configuration.AddInMemoryCollection(variables.Select(variable => KeyValuePair.Create(variable.Key, (string?)variable.Value)));
        var telemetry = builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(resource =>
                resource.AddService(
                    variables.GetValueOrDefault("OTEL_SERVICE_NAME", "livebook"),
                    serviceVersion: configuration.Cluster.Version,
                    serviceInstanceId: configuration.Cluster.Node
                )
            );
        if (variables.GetValueOrDefault("OTEL_METRICS_EXPORTER", Otlp) == Otlp)
            telemetry.WithMetrics(metrics =>
                metrics
                    .AddMeter(
                        ClusterNode.MeterName,
                        ServerMetrics.Name,
                        "Microsoft.AspNetCore.Hosting",
                        "Microsoft.AspNetCore.Server.Kestrel",
                        "System.Runtime"
                    )
                    .AddOtlpExporter()
            );
        if (variables.GetValueOrDefault("OTEL_TRACES_EXPORTER", Otlp) == Otlp)
            telemetry.WithTracing(traces => traces.AddSource(ServerMetrics.Name, "Microsoft.AspNetCore").AddProcessor(new WithoutQueries()).AddOtlpExporter());
        if (variables.GetValueOrDefault("OTEL_LOGS_EXPORTER") == Otlp)
            telemetry.WithLogging(logs => logs.AddOtlpExporter());
    }
}
