using System.Net;
using System.Text;
using Livebook.Cluster;
using Livebook.Cluster.Membership;
using Microsoft.Extensions.Logging.Abstractions;

// A node in a process of its own, for tests that kill or freeze one.
// Arguments: NODE PORT DNS-PORT [LOWEST HIGHEST protocol to announce]; the cookie comes from LIVEBOOK_COOKIE. Tells events on standard output; ends when standard input does.
var options = new ClusterOptions
{
    Node = args[0],
    Port = int.Parse(args[1]),
    DnsQuery = "nodes.test",
    DnsServer = new(IPAddress.Loopback, int.Parse(args[2])),
    Cookie = Environment.GetEnvironmentVariable("LIVEBOOK_COOKIE") ?? "",
    DataPath = "",
    Version = "probe",
};
if (args is [_, _, _, var lowest, var highest])
    options = options with { Protocols = (byte.Parse(lowest), byte.Parse(highest)) };
await using var mesh = new AkkaMesh(options, NullLoggerFactory.Instance, TimeProvider.System);
mesh.Received = (from, payload) => Console.WriteLine($"got {from} {Encoding.UTF8.GetString(payload.Span)}");
mesh.Happened += happened =>
    Console.WriteLine(
        happened switch
        {
            MeshEvent.Up up => $"up {up.Member.Name} {mesh.Status}",
            MeshEvent.Downed downed => $"downed {downed.Member.Name} {mesh.Status}",
            MeshEvent.Suspected suspected => $"suspected {suspected.Member.Name} {mesh.Status}",
            MeshEvent.Trusted trusted => $"trusted {trusted.Member.Name} {mesh.Status}",
            MeshEvent.Expelled => $"expelled {mesh.Self} {mesh.Status}",
            _ => $"changed {mesh.Self} {mesh.Status}",
        }
    );
await mesh.StartAsync(CancellationToken.None);
while (await Console.In.ReadLineAsync() is { } line)
{
    switch (line.Split(' ', 3))
    {
        case ["tell", var node, var text]:
            mesh.Tell(node, Encoding.UTF8.GetBytes(text));
            break;
        case ["promote"]:
            await mesh.PromoteAsync(CancellationToken.None);
            break;
    }
}
