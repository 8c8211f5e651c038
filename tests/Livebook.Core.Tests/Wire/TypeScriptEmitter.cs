using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Livebook.Core.Text;
using Livebook.Core.Views;

namespace Livebook.Core.Tests.Wire;

/// <summary>
/// Prints the messages of a serializer as TypeScript, from the metadata that the serializer itself works with: names, discriminators, what is
/// null and what is left out are what is on the wire.
/// </summary>
/// <param name="inputs">Roots of what browsers send: there a value with a default may be left out.</param>
/// <param name="outputs">Roots of what servers send.</param>
internal sealed class TypeScriptEmitter(JsonSerializerOptions options, Type[] inputs, Type[] outputs)
{
    private static readonly Dictionary<Type, string> Written = new()
    {
        [typeof(ChangeSet)] = "readonly (number | readonly [number, ...string[]])[]",
        [typeof(RawJson)] = """
            readonly (
              | readonly ["s", readonly string[], unknown]
              | readonly ["d", readonly string[]]
              | readonly ["a", readonly string[], readonly unknown[]]
              | readonly ["x", readonly string[], number, number, readonly unknown[]]
            )[]
            """,
    };

    private readonly NullabilityInfoContext _nullability = new();
    private readonly Dictionary<string, Type> _names = [];
    private readonly Dictionary<Type, string> _discriminators = [];
    private readonly Queue<Type> _waiting = [];
    private readonly StringBuilder _text = new();

    public string Emit()
    {
        _text.Append("// Generated from the server's serializer by the tests of Livebook.Core (LIVEBOOK_UPDATE=1 writes it anew). Do not edit.\n");
        var sent = Reachable(outputs);
        var onlyInput = Reachable(inputs).Except(sent).ToHashSet();
        foreach (var root in (Type[])[.. inputs, .. outputs])
            NameOf(root);
        while (_waiting.TryDequeue(out var type))
            EmitType(options.GetTypeInfo(type), onlyInput.Contains(type));
        return _text.ToString();
    }

    private HashSet<Type> Reachable(Type[] roots)
    {
        var seen = new HashSet<Type>();
        var open = new Queue<Type>(roots);
        while (open.TryDequeue(out var type))
        {
            if (!seen.Add(type))
                continue;
            var info = options.GetTypeInfo(type);
            foreach (var derived in info.PolymorphismOptions?.DerivedTypes ?? [])
                open.Enqueue(derived.DerivedType);
            foreach (var property in info.Properties)
                open.Enqueue(property.PropertyType);
            if (info.ElementType is { } element)
                open.Enqueue(element);
        }
        return seen;
    }

    private void EmitType(JsonTypeInfo info, bool input)
    {
        var name = NameOf(info.Type);
        _text.Append('\n');
        if (Written.TryGetValue(info.Type, out var written))
        {
            _text.Append($"export type {name} = {written};\n");
        }
        else if (info.Type.IsEnum)
        {
            var values = Enum.GetValues(info.Type).Cast<object>().Select(value => JsonSerializer.Serialize(value, info));
            _text.Append($"export type {name} = {string.Join(" | ", values)};\n");
        }
        else if (info.PolymorphismOptions is { } polymorphism)
        {
            _text.Append($"export type {name} =\n  | {string.Join("\n  | ", polymorphism.DerivedTypes.Select(derived => NameOf(derived.DerivedType)))};\n");
            foreach (var derived in polymorphism.DerivedTypes)
                _discriminators[derived.DerivedType] = $"{polymorphism.TypeDiscriminatorPropertyName}: {JsonSerializer.Serialize(derived.TypeDiscriminator)}";
        }
        else
        {
            _text.Append($"export interface {name} {{\n");
            if (_discriminators.TryGetValue(info.Type, out var discriminator))
                _text.Append($"  readonly {discriminator};\n");
            foreach (var property in info.Properties.Where(property => property.Get is not null))
            {
                var omitted = property.ShouldSerialize?.Invoke(new object(), null) == false || (input && property.AssociatedParameter?.HasDefaultValue == true);
                var member = _nullability.Create((PropertyInfo)property.AttributeProvider!);
                _text.Append($"  readonly {property.Name}{(omitted ? "?" : "")}: {Use(property.PropertyType, member)};\n");
            }
            _text.Append("}\n");
        }
    }

    private string Use(Type type, NullabilityInfo member)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return $"{Name(inner, member)} | null";
        var use = Name(type, member);
        return !type.IsValueType && member.ReadState == NullabilityState.Nullable ? $"{use} | null" : use;
    }

    private string Name(Type type, NullabilityInfo member)
    {
        if (type == typeof(string) || type == typeof(DateTimeOffset))
            return "string";
        if (type == typeof(bool))
            return "boolean";
        if (type == typeof(int) || type == typeof(long) || type == typeof(double))
            return "number";
        if (type.IsAssignableTo(typeof(AppendLog<string>)))
            return "readonly string[]";
        var info = options.GetTypeInfo(type);
        return info.Kind switch
        {
            JsonTypeInfoKind.Enumerable => $"readonly {Group(Use(info.ElementType!, member.GenericTypeArguments[^1]))}[]",
            JsonTypeInfoKind.Dictionary => $"{{ readonly [key: string]: {Use(info.ElementType!, member.GenericTypeArguments[^1])} }}",
            _ => NameOf(type),
        };
    }

    private static string Group(string type) => type.Contains('|') ? $"({type})" : type;

    private string NameOf(Type type)
    {
        var name = type == typeof(RawJson) ? "Patch" : type.Name;
        if (!type.IsEnum && !Written.ContainsKey(type) && options.GetTypeInfo(type).Kind != JsonTypeInfoKind.Object)
            throw new NotSupportedException($"say how {type} is written in TypeScript");
        if (_names.TryAdd(name, type))
            _waiting.Enqueue(type);
        else if (_names[name] != type)
            throw new NotSupportedException($"{_names[name]} and {type} have the same name in TypeScript");
        return name;
    }
}
