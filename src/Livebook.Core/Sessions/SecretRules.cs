using System.Collections.Immutable;

namespace Livebook.Core.Sessions;

/// <summary>Which secrets the session's code may use (X1, X2). Values are never here: those of the session are encrypted, those of the workspace elsewhere.</summary>
internal static class SecretRules
{
    private const int MostSecrets = 500;
    private const int NameCharacters = 200;
    private const int SealedCharacters = 2 * 1024 * 1024;

    /// <summary>A secret of this session only; code no longer gets the workspace's of the same name.</summary>
    public static void Set(Step step, ClientOperation.SetSecret operation)
    {
        var (name, text) = operation;
        if (!Fits(step, name))
            return;
        if (text.Length > SealedCharacters)
        {
            step.Refuse("the secret is too long");
            return;
        }
        Change(step, step.State.Secrets.SetItem(name, text), step.State.AllowedSecrets.Remove(name));
    }

    public static void Delete(Step step, string name)
    {
        if (!step.State.Secrets.ContainsKey(name))
        {
            step.Refuse($"this session has no secret {name} of its own");
            return;
        }
        Change(step, step.State.Secrets.Remove(name), step.State.AllowedSecrets);
    }

    /// <summary>Lets code use the workspace's secret of this name, or not any more; a secret of the session with this name is gone then.</summary>
    public static void Allow(Step step, ClientOperation.AllowSecret operation)
    {
        var (name, allowed) = operation;
        if (!Fits(step, name))
            return;
        var state = step.State;
        Change(step, allowed ? state.Secrets.Remove(name) : state.Secrets, allowed ? state.AllowedSecrets.Add(name) : state.AllowedSecrets.Remove(name));
    }

    private static bool Fits(Step step, string name)
    {
        if (name.Length is 0 or > NameCharacters || !name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_'))
            step.Refuse("a secret's name must be 1 to 200 of A-Z, 0-9 and _");
        else if (step.State.Secrets.Count + step.State.AllowedSecrets.Count >= MostSecrets)
            step.Refuse($"a session uses at most {MostSecrets} secrets");
        return step.Refusal is null;
    }

    private static void Change(Step step, ImmutableSortedDictionary<string, string> secrets, ImmutableSortedSet<string> allowed)
    {
        step.State = step.State with { Secrets = secrets, AllowedSecrets = allowed };
        step.Do(new Effect.UpdateEnvironment());
    }
}
