using System.Net;
using System.Text.Json;
using Livebook.Cluster.Links;

namespace Livebook.Cluster.Discovery;

/// <summary>Reads a task as DescribeTasks tells it. Every field may be missing.</summary>
internal static class EcsTask
{
    private static readonly string[] Over = ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"];

    /// <summary>The addresses of its network interfaces; none when it is stopping.</summary>
    public static IEnumerable<IPAddress> AddressesOf(JsonElement task)
    {
        if (Over.Contains(Text(task, "lastStatus")))
        {
            return [];
        }
        var byContainer = Items(task, "containers")
            .SelectMany(container => Items(container, "networkInterfaces"))
            .SelectMany(card => new[] { Text(card, "privateIpv4Address"), Text(card, "ipv6Address") });
        var byAttachment = Items(task, "attachments")
            .Where(attachment => Text(attachment, "type") == "ElasticNetworkInterface")
            .SelectMany(attachment => Items(attachment, "details"))
            .Where(detail => Text(detail, "name") is "privateIPv4Address" or "privateIPv6Address" or "ipv6Address")
            .Select(detail => Text(detail, "value"));
        return byContainer
            .Concat(byAttachment)
            .Select(text => IPAddress.TryParse(text, out var address) ? NodeName.Plain(address) : null)
            .OfType<IPAddress>()
            .Distinct();
    }

    /// <summary>A field that holds text; null when it does not.</summary>
    public static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    /// <summary>The items of a field that holds a list; none when it does not.</summary>
    public static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array
            ? items.EnumerateArray()
            : [];
}
