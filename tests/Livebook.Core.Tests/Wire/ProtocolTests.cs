using Livebook.Core.Json;
using Livebook.Core.Wire;
using Livebook.Testing;

namespace Livebook.Core.Tests.Wire;

public sealed class ProtocolTests
{
    [Fact]
    public void The_types_of_the_browser_are_those_of_the_serializer()
    {
        var file = Repository.PathOf("client", "src", "protocol.ts");
        var emitted = new TypeScriptEmitter(WireJson.Default.Options, [typeof(ClientMessage)], [typeof(ServerMessage)]).Emit();

        if (Environment.GetEnvironmentVariable("LIVEBOOK_UPDATE") == "1")
            File.WriteAllText(file, emitted);

        var present = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(present == emitted, "client/src/protocol.ts is out of date: run this test with LIVEBOOK_UPDATE=1 and commit the file");
    }
}
