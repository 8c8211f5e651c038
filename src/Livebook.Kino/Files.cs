using Livebook.Kino.Hosting;

namespace Livebook.Kino;

/// <summary>The files kept with the notebook: those of its Files panel.</summary>
public static class Files
{
    /// <summary>Path of a file on this machine, wherever the notebook runs.</summary>
    /// <param name="name">Name as the Files panel shows it, e.g. <c>data.csv</c>.</param>
    /// <exception cref="ArgumentException">This is no name of a file.</exception>
    /// <exception cref="FileNotFoundException">The notebook has no such file; the message names those it has.</exception>
    public static string Path(string name)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAny('/', '\\') || name is "." or "..")
            throw new ArgumentException($"A file of the notebook is named as the Files panel shows it, e.g. data.csv, found \"{name}\".", nameof(name));
        var path = System.IO.Path.Combine(SessionFiles.Directory, name);
        if (File.Exists(path))
            return path;
        var others = Directory.Exists(SessionFiles.Directory)
            ? Directory.EnumerateFiles(SessionFiles.Directory).Select(file => System.IO.Path.GetFileName(file)).Where(file => file[0] != '.').Order().Take(20)
            : [];
        var known = string.Join(", ", others);
        throw new FileNotFoundException(
            $"The notebook has no file {name}. {(known.Length == 0 ? "It has none: add one in the Files panel." : $"It has {known}.")}",
            path
        );
    }
}
