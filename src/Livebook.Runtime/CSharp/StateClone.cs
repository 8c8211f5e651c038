using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using Livebook.Kino;

namespace Livebook.Runtime.CSharp;

/// <summary>
/// Copies the variables of a path before a run, so that running a cell again starts from the same values, a failed cell changes nothing and
/// branches do not see each other. Copies are shallow: what variables refer to stays shared.
/// </summary>
internal static class StateClone
{
    private const BindingFlags EveryInstanceField = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Func<object, object> Shallow = typeof(object)
        .GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!
        .CreateDelegate<Func<object, object>>();

    private static readonly ConditionalWeakTable<Type, Fields> FieldsOf = [];

    /// <summary>Copies of the states, with links between them and delegates onto them re-wired, and one free slot for the new submission.</summary>
    public static object?[] Of(object?[] states)
    {
        var copies = new object?[states.Length + 1];
        var map = new Dictionary<object, object>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < states.Length; i++)
            if (states[i] is { } state)
                map[state] = copies[i] = Shallow(state);
        foreach (var copy in map.Values)
        {
            var fields = FieldsOf.GetValue(copy.GetType(), type => new Fields(type));
            foreach (var link in fields.Links)
                if (link.GetValue(copy) is { } target && map.TryGetValue(target, out var moved))
                    link.SetValue(copy, moved);
            foreach (var field in fields.Delegates)
                if (field.GetValue(copy) is Delegate handler && Rewire(handler, map) is { } rewired)
                    field.SetValue(copy, rewired);
        }
        return copies;
    }

    private static Delegate? Rewire(Delegate handler, Dictionary<object, object> map)
    {
        var parts = handler.GetInvocationList();
        if (!parts.Any(part => part.Target is { } target && map.ContainsKey(target)))
            return null;
        return Delegate.Combine([.. parts.Select(part => Rewired(part, map))]);
    }

    private static Delegate Rewired(Delegate part, Dictionary<object, object> map) =>
        part.Target is { } target && map.TryGetValue(target, out var moved) ? Delegate.CreateDelegate(part.GetType(), moved, part.Method) : part;

    private sealed class Fields(Type type)
    {
        public ImmutableArray<FieldInfo> Links { get; } = [.. type.GetFields(EveryInstanceField).Where(field => TypeNames.IsCellScope(field.FieldType))];

        public ImmutableArray<FieldInfo> Delegates { get; } =
        [.. type.GetFields(EveryInstanceField).Where(field => typeof(Delegate).IsAssignableFrom(field.FieldType))];
    }
}
