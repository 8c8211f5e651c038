using Livebook.Cluster.Discovery;

namespace Livebook.Cluster.Tests.Discovery;

public sealed class ResolvConfTests
{
    private static readonly ResolvConf Kubernetes = ResolvConf.Parse([
        "nameserver 10.96.0.10",
        "search apps.svc.cluster.local svc.cluster.local cluster.local",
        "options ndots:5",
    ]);

    [Fact]
    public void A_short_name_is_searched_first() =>
        Assert.Equal(
            ["livebook.apps.svc.cluster.local.", "livebook.svc.cluster.local.", "livebook.cluster.local.", "livebook"],
            ResolvConf.Names("livebook", Kubernetes)
        );

    [Fact]
    public void A_complete_name_is_not_searched() => Assert.Equal(["livebook.internal."], ResolvConf.Names("livebook.internal.", Kubernetes));

    [Fact]
    public void A_name_with_enough_dots_is_asked_as_it_is_first()
    {
        var conf = ResolvConf.Parse(["search example.org"]);
        Assert.Equal(["app.internal", "app.internal.example.org."], ResolvConf.Names("app.internal", conf));
        Assert.Equal(["app"], ResolvConf.Names("app", ResolvConf.Parse([])));
    }
}
