namespace Livebook.EndToEnd.World;

/// <summary>Nodes of the program that was built with the tests.</summary>
internal static class NodesUnderTest
{
    public static NodeProgram Program { get; } = new("dotnet", [Repository.Server, "server"]);

    extension(Node)
    {
        /// <summary>Starts a node; completes when it serves pages.</summary>
        public static Task<Node> StartAsync(IReadOnlyDictionary<string, string> environment, CancellationToken stop, string? dataPath = null) =>
            Node.StartAsync(Program, environment, stop, dataPath);
    }
}
