using System.Globalization;
using System.Text.Json.Nodes;
using Livebook.Core.Views;
using Livebook.Server.Sessions;

namespace Livebook.Web.Api;

/// <summary>Follows a session by server-sent events.</summary>
internal static class EventsApi
{
    /// <summary>Nothing for this long: a comment, so that proxies keep the connection.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    public static async Task FollowAsync(ApiContext api, RouteValueDictionary route)
    {
        var response = api.Http.Response;
        // A server that ends must not wait for its readers.
        var ending = api.Http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(api.Stop, ending);
        await using var steps = api.Sessions.FollowAsync((string)route["id"]!, LastEventId(api), stop.Token).GetAsyncEnumerator(stop.Token);
        // What is wrong with the request is answered before anything else.
        await steps.MoveNextAsync();
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        await WriteAsync(response, "retry: 1000\n\n"u8.ToArray(), stop.Token);
        var name = "begin";
        var next = Task.FromResult(true);
        try
        {
            do
            {
                var step = steps.Current;
                if (step.Gap)
                    await WriteAsync(response, Beginning(name, step.Version), stop.Token);
                await WriteAsync(response, step.Events, stop.Token);
                name = "resync";
                next = steps.MoveNextAsync().AsTask();
                while (await Task.WhenAny(next, Task.Delay(Heartbeat, stop.Token)) != next && !stop.IsCancellationRequested)
                    await WriteAsync(response, ": alive\n\n"u8.ToArray(), stop.Token);
            } while (await next);
        }
        catch (SessionNotFoundException)
        {
            await WriteAsync(response, SessionEvents.Of("closed", new JsonObject { ["reason"] = "The session was closed." }, null), stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
        catch (Exception error) when (error is SessionRefusedException or OwnerUnavailableException)
        {
            // The reader comes again with the last id it has.
        }
        finally
        {
            await stop.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static byte[] Beginning(string name, long version)
    {
        var data = new JsonObject { ["version"] = version };
        if (name == "resync")
            data["reason"] = "Events in between are not kept any more: read the session anew, at this version or later.";
        return SessionEvents.Of(name, data, version);
    }

    private static async Task WriteAsync(HttpResponse response, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        await response.Body.WriteAsync(bytes, stop);
        await response.Body.FlushAsync(stop);
    }

    private static long? LastEventId(ApiContext api)
    {
        if (api.Http.Request.Headers["Last-Event-ID"].ToString() is not { Length: > 0 } text)
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw ApiContext.Bad("Last-Event-ID", "must be an id that an event had");
    }
}
