namespace Livebook.Server.Files;

/// <summary>Paths with all symbolic links resolved.</summary>
internal static class RealPaths
{
    /// <summary>As many links as the system itself follows.</summary>
    private const int MaximumLinks = 40;

    /// <summary>The real, absolute path; what does not exist yet at its end stays as it is.</summary>
    /// <exception cref="IOException">The path is empty or its links go round in circles.</exception>
    public static string Resolve(string path)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal))
            throw new IOException("The path of a file must not be empty or contain a zero character.");
        var start = Path.IsPathRooted(path) ? path : Path.Combine(Environment.CurrentDirectory, path);
        var resolved = Path.GetPathRoot(start)!;
        var open = new Stack<string>(Parts(start[resolved.Length..]).Reverse());
        var links = 0;
        while (open.TryPop(out var part))
        {
            if (part == ".")
                continue;
            if (part == "..")
            {
                resolved = Path.GetDirectoryName(resolved) ?? resolved;
                continue;
            }
            var next = Path.Combine(resolved, part);
            if (LinkTarget(next) is not { } target)
            {
                resolved = next;
                continue;
            }
            if (++links > MaximumLinks)
                throw new IOException($"{path} cannot be opened: its symbolic links go round in circles.");
            if (Path.IsPathRooted(target))
            {
                resolved = Path.GetPathRoot(target)!;
                target = target[resolved.Length..];
            }
            foreach (var piece in Parts(target).Reverse())
                open.Push(piece);
        }
        return resolved;
    }

    private static string[] Parts(string path) =>
        path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
