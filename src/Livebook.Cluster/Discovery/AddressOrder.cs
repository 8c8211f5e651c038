using System.Net;

namespace Livebook.Cluster.Discovery;

/// <summary>The order in which every node sees addresses: by bytes, so that 10.0.0.9 comes before 10.0.0.10.</summary>
internal sealed class AddressOrder : IComparer<IPAddress>
{
    public static readonly AddressOrder Instance = new();

    public static int Compare(IPAddress left, IPAddress right) => left.GetAddressBytes().AsSpan().SequenceCompareTo(right.GetAddressBytes());

    int IComparer<IPAddress>.Compare(IPAddress? left, IPAddress? right) =>
        left is null || right is null ? Comparer<object>.Default.Compare(left, right) : Compare(left, right);
}
