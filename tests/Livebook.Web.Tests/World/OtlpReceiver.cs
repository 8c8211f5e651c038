using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Livebook.Web.Tests.World;

/// <summary>
/// A collector that speaks OTLP over HTTP. Reads what arrives by the field numbers of opentelemetry-proto: for metrics and traces alike a request
/// holds resources (1), each with its attributes (1) and scopes (2), each with a name (1) and its records (2).
/// </summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OtlpReceiver(WebApplication app) => _app = app;

    /// <summary>Names of metrics, as <c>scope/name</c>.</summary>
    public ConcurrentDictionary<string, byte> Metrics { get; } = new();

    /// <summary>Names of spans, as <c>scope/name</c>.</summary>
    public ConcurrentDictionary<string, byte> Spans { get; } = new();

    /// <summary>Everything that came, as it came.</summary>
    public ConcurrentQueue<byte[]> Bodies { get; } = new();

    /// <summary>Attributes of the resource.</summary>
    public ConcurrentDictionary<string, string> Resource { get; } = new();

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<OtlpReceiver> StartAsync(CancellationToken stop)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        // Field of the name within a metric (1) and a span (5).
        app.MapPost("/v1/metrics", context => receiver.TakeAsync(context, receiver.Metrics, 1));
        app.MapPost("/v1/traces", context => receiver.TakeAsync(context, receiver.Spans, 5));
        await app.StartAsync(stop);
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context, ConcurrentDictionary<string, byte> names, int nameField)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        Bodies.Enqueue(body.ToArray());
        foreach (var resource in Fields(body.ToArray(), 1))
        {
            foreach (var attribute in Fields(resource, 1).SelectMany(it => Fields(it, 1)))
                Resource[Text(attribute, 1)] = Fields(attribute, 2).Select(value => Text(value, 1)).FirstOrDefault("");
            foreach (var scope in Fields(resource, 2))
            {
                var name = Fields(scope, 1).Select(it => Text(it, 1)).FirstOrDefault("");
                foreach (var record in Fields(scope, 2))
                    names[$"{name}/{Text(record, nameField)}"] = 0;
            }
        }
        context.Response.ContentType = "application/x-protobuf";
    }

    private static string Text(byte[] message, int field) => Fields(message, field).Select(Encoding.UTF8.GetString).FirstOrDefault("");

    /// <summary>The values of a field with a length.</summary>
    private static List<byte[]> Fields(byte[] message, int field)
    {
        var found = new List<byte[]>();
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                found.Add(input.ReadBytes().ToByteArray());
            else
                input.SkipLastField();
        }
        return found;
    }
}
