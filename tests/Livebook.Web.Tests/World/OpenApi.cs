using System.Globalization;
using System.Text.Json;

namespace Livebook.Web.Tests.World;

/// <summary>The API's document, and whether answers are as it says.</summary>
internal sealed class OpenApi(JsonElement root)
{
    private static OpenApi? s_read;

    public static async Task<OpenApi> ReadAsync(HttpClient http, CancellationToken stop) =>
        s_read ??= new OpenApi(JsonDocument.Parse(await http.GetStringAsync("openapi.json", stop)).RootElement);

    public void Check(string method, string path, int status, string? type, JsonElement body)
    {
        if (Operation(method, path) is not { } operation)
            return;
        var responses = operation.GetProperty("responses");
        if (!responses.TryGetProperty(status.ToString(CultureInfo.InvariantCulture), out var response))
        {
            Assert.True(status >= 400, $"{method} {path}: the document has no {status}");
            response = responses.GetProperty("default");
        }
        if (body.ValueKind == JsonValueKind.Undefined)
            return;
        Assert.True(response.GetProperty("content").TryGetProperty(type!, out var content), $"{method} {path}: the document has no {type} for {status}");
        Check($"{method} {path} {status}", content.GetProperty("schema"), body);
    }

    private JsonElement? Operation(string method, string path)
    {
        var parts = path.Split('/');
        foreach (var known in root.GetProperty("paths").EnumerateObject())
        {
            var pattern = known.Name.Split('/');
            if (pattern.Length == parts.Length && pattern.Zip(parts).All(pair => pair.First.StartsWith('{') || pair.First == pair.Second))
                return known.Value.TryGetProperty(method.ToLowerInvariant(), out var operation) ? operation : null;
        }
        return null;
    }

    private void Check(string place, JsonElement schema, JsonElement value)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            Check(place, root.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]), value);
            return;
        }
        if (schema.TryGetProperty("oneOf", out var choices))
        {
            var isNull = value.ValueKind == JsonValueKind.Null;
            Check(place, choices.EnumerateArray().First(choice => isNull == (choice.TryGetProperty("type", out var type) && type.ToString() == "null")), value);
            return;
        }
        if (schema.TryGetProperty("type", out var types))
        {
            string[] allowed = types.ValueKind == JsonValueKind.Array ? [.. types.EnumerateArray().Select(type => type.GetString()!)] : [types.GetString()!];
            Assert.True(allowed.Any(type => Is(value, type)), $"{place}: {value.ValueKind} is not {string.Join(" or ", allowed)}");
        }
        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items))
        {
            foreach (var item in value.EnumerateArray())
                Check($"{place}[]", items, item);
        }
        if (value.ValueKind == JsonValueKind.Object)
            CheckProperties(place, schema, value);
    }

    private void CheckProperties(string place, JsonElement schema, JsonElement value)
    {
        foreach (var property in value.EnumerateObject())
        {
            if (schema.TryGetProperty("properties", out var known) && known.TryGetProperty(property.Name, out var inner))
                Check($"{place}.{property.Name}", inner, property.Value);
            else if (schema.TryGetProperty("additionalProperties", out var any))
                Check($"{place}.{property.Name}", any, property.Value);
            else
                Assert.Fail($"{place}: the document has no {property.Name}");
        }
        if (!schema.TryGetProperty("required", out var required))
            return;
        foreach (var name in required.EnumerateArray())
            Assert.True(value.TryGetProperty(name.GetString()!, out _), $"{place}: {name} is missing");
    }

    private static bool Is(JsonElement value, string type) =>
        value.ValueKind switch
        {
            JsonValueKind.Null => type == "null",
            JsonValueKind.String => type == "string",
            JsonValueKind.True or JsonValueKind.False => type == "boolean",
            JsonValueKind.Number => type == "number" || (type == "integer" && value.TryGetInt64(out _)),
            JsonValueKind.Array => type == "array",
            _ => type == "object",
        };
}
