using System.Diagnostics.CodeAnalysis;

namespace Livebook.Kino;

/// <summary>The secrets that this notebook may use, by name.</summary>
[SuppressMessage("Performance", "CA1822", Justification = "Cells call it on Secrets.")]
public sealed class SecretReader
{
    /// <summary>In front of a secret's name, in the environment.</summary>
    private const string Prefix = "LB_";

    internal SecretReader() { }

    /// <summary>The value of a secret.</summary>
    /// <exception cref="MissingSecretException">There is none of this name, or this notebook may not use it.</exception>
    public string this[string name] => Find(name) ?? throw new MissingSecretException(name.ToUpperInvariant());

    /// <summary>The value of a secret, or null.</summary>
    public string? Find(string name) => Environment.GetEnvironmentVariable(Prefix + name.ToUpperInvariant());
}

/// <summary>A notebook asked for a secret that it does not have.</summary>
public sealed class MissingSecretException(string name)
    : Exception($"This notebook has no secret {name}. Add it in the Secrets panel, or switch it on there if the workspace has it.")
{
    public string Name => name;
}
