using System.Collections.Immutable;
using Livebook.Web.Hosting;
using Livebook.Web.Tests.World;

namespace Livebook.Web.Tests.Hosting;

/// <summary>Meters are the process's: a server that another test ends would end its streams.</summary>
[CollectionDefinition(nameof(TelemetryTests), DisableParallelization = true)]
public sealed class OneServerAtATime;

[Collection(nameof(TelemetryTests))]
public sealed class TelemetryTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_collector_gets_metrics_and_traces_of_sessions_evaluations_nodes_and_requests()
    {
        await using var collector = await OtlpReceiver.StartAsync(Stop);
        await using var server = await TestServer.StartAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address.ToString()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        );
        var session = await server.Api.NewSessionAsync("# Notebook\n\n## Section\n\n```csharp\n1 + 1\n```\n");

        using (await server.GetAsync($"/?token={server.Token}")) { }
        await server.Api.PostAsync(200, $"sessions/{session}/evaluations", new { cells = "all", wait = 60 });

        string[] metrics =
        [
            "Livebook.Server/livebook.sessions",
            "Livebook.Server/livebook.replication.duration",
            "Livebook.Server/livebook.session.operations",
            "Livebook.Server/livebook.evaluations",
            "Livebook.Server/livebook.evaluation.duration",
            "Livebook.Server/livebook.cluster.members",
            "Livebook.Server/livebook.pages",
            "Livebook.Cluster/livebook.cluster.queue",
            "Livebook.Cluster/livebook.cluster.unconfirmed",
            "Microsoft.AspNetCore.Hosting/http.server.request.duration",
        ];
        await UntilAsync(() => metrics.All(collector.Metrics.ContainsKey), () => $"missing: {string.Join(", ", metrics.Except(collector.Metrics.Keys))}");
        await UntilAsync(
            () =>
                collector.Spans.ContainsKey("Livebook.Server/evaluation")
                && collector.Spans.Keys.Any(name => name.StartsWith("Microsoft.AspNetCore/", StringComparison.Ordinal)),
            () => $"found only {string.Join(", ", collector.Spans.Keys)}"
        );
        Assert.DoesNotContain(collector.Bodies, body => System.Text.Encoding.UTF8.GetString(body).Contains(server.Token!, StringComparison.Ordinal));
        Assert.Equal("livebook", collector.Resource["service.name"]);
        Assert.Equal("livebook@127.0.0.1", collector.Resource["service.instance.id"]);
        Assert.Equal("test", collector.Resource["deployment.environment.name"]);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("OTEL_SERVICE_NAME=x", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", true)]
    [InlineData("OTEL_METRICS_EXPORTER=otlp", true)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_SDK_DISABLED=true", false)]
    public void It_is_loaded_only_when_something_is_to_be_exported(string variables, bool wanted) =>
        Assert.Equal(
            wanted,
            Telemetry.IsWanted(
                variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(it => it.Split('=')).ToImmutableDictionary(it => it[0], it => it[1])
            )
        );

    private static async Task UntilAsync(Func<bool> holds, Func<string> otherwise)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!holds())
        {
            if (limit.IsCancellationRequested)
                Assert.Fail(otherwise());
            await Task.Delay(20, Stop);
        }
    }
}
