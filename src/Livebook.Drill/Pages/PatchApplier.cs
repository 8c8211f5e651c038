using System.Text.Json.Nodes;

namespace Livebook.Drill.Pages;

/// <summary>Applies a patch of a view as a browser does.</summary>
public static class PatchApplier
{
    /// <summary>The value behind the patch. <paramref name="value"/> is changed in place where it can be.</summary>
    public static JsonNode? Apply(JsonNode? value, JsonArray ops)
    {
        foreach (var op in ops)
        {
            var kind = op![0]!.GetValue<string>();
            var path = op[1]!.AsArray().Select(name => name!.GetValue<string>()).ToArray();
            if (path.Length == 0)
            {
                value = kind == "s" ? op[2]?.DeepClone() : throw new InvalidOperationException($"{kind} of the whole value");
                continue;
            }
            var parent = path[..^1].Aggregate(value, (node, name) => node![name])!.AsObject();
            Apply(kind, parent, path[^1], op.AsArray());
        }
        return value;
    }

    private static void Apply(string kind, JsonObject parent, string name, JsonArray op)
    {
        switch (kind)
        {
            case "s":
                parent[name] = op[2]?.DeepClone();
                break;
            case "d":
                if (!parent.Remove(name))
                    throw new InvalidOperationException($"there is no {name} to delete");
                break;
            case "a":
                foreach (var item in op[2]!.AsArray())
                    parent[name]!.AsArray().Add(item?.DeepClone());
                break;
            case "x":
                Splice(parent[name]!.AsArray(), op[2]!.GetValue<int>(), op[3]!.GetValue<int>(), op[4]!.AsArray());
                break;
            default:
                throw new InvalidOperationException($"no such operation: {kind}");
        }
    }

    private static void Splice(JsonArray array, int index, int remove, JsonArray items)
    {
        for (; remove > 0; remove--)
            array.RemoveAt(index);
        foreach (var item in items)
            array.Insert(index++, item?.DeepClone());
    }
}
