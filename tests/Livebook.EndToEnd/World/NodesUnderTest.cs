namespace Livebook.EndToEnd.World;

/// <summary>Nodes of the program that was built with the tests.</summary>
internal static class NodesUnderTest
{
    public static NodeProgram Program { get; } = new("dotnet", [Repository.Server, "server"]);

    extension(Node)
    {
        /// <summary>Starts a node; completes when it serves pages.</summary>
        /// <param name="command">What starts the server, without its arguments; null: the program that was built with the tests.</param>
        public static Task<Node> StartAsync(
            IReadOnlyDictionary<string, string> environment,
            CancellationToken stop,
            string? dataPath = null,
            IReadOnlyList<string>? command = null
        ) => Node.StartAsync(command is null ? Program : new NodeProgram(command[0], [.. command.Skip(1), "server"]), environment, stop, dataPath);
    }
}
