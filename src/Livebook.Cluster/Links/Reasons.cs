namespace Livebook.Cluster.Links;

/// <summary>Why an address is not a member, in the words that people read.</summary>
internal static class Reasons
{
    public const string OtherCookie = "another LIVEBOOK_COOKIE";
    public const string OtherSecret = "another LIVEBOOK_SECRET_KEY_BASE";
    public const string NoNode = "not a Livebook node";
    public const string Silent = "does not answer";
    public const string Refused = "nothing listens there";
    public const string SaidNothing = "opened a connection and said nothing";

    public static string OtherCluster(string name) => $"another cluster name ({name})";

    public static string OtherName(string name) => $"calls itself {name}";

    public static string Protocol(byte theirLowest, byte theirHighest, byte lowest, byte highest) =>
        $"speaks protocol {Range(theirLowest, theirHighest)}, this node {Range(lowest, highest)}";

    private static string Range(byte lowest, byte highest) => lowest == highest ? $"{lowest}" : $"{lowest} to {highest}";
}

/// <summary>A link could not be made because the other side is not one of us; the message is the reason.</summary>
internal sealed class StrangerException(string reason) : Exception(reason);
