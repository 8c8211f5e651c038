namespace Livebook.Web.Tests.World;

/// <summary>One server for the tests of a class; each has a session of its own.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    internal TestServer Server { get; private set; } = null!;

    internal ApiClient Api => Server.Api;

    public async ValueTask InitializeAsync() => Server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
