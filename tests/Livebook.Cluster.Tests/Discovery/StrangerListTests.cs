using System.Net;
using Livebook.Cluster.Discovery;
using Microsoft.Extensions.Logging;

namespace Livebook.Cluster.Tests.Discovery;

public sealed class StrangerListTests
{
    private readonly Lines lines = new();

    [Fact]
    public void A_stranger_that_comes_again_costs_one_line()
    {
        var list = new StrangerList(TimeProvider.System, lines);
        var address = IPAddress.Parse("10.0.0.1");
        Assert.True(list.Note(address, "not a Livebook node"));
        for (var i = 0; i < 100; i++)
        {
            Assert.False(list.Note(address, "not a Livebook node"));
        }
        Assert.Equal("10.0.0.1 is not a member of this cluster: not a Livebook node", Assert.Single(lines.Written));
        Assert.True(list.Note(address, "another LIVEBOOK_COOKIE"));
        Assert.Equal("another LIVEBOOK_COOKIE", Assert.Single(list.ToArray()).Reason);
        Assert.True(list.Forget(address));
        Assert.Empty(list.ToArray());
    }

    [Fact]
    public void Many_strangers_cost_a_bounded_list_and_few_lines()
    {
        var list = new StrangerList(TimeProvider.System, lines);
        for (var i = 0; i < 1000; i++)
        {
            list.Note(new IPAddress(i + 0x0100000aL), "not a Livebook node");
        }
        Assert.Equal(StrangerList.MaximumEntries, list.ToArray().Length);
        // The clock may turn to the next minute in between.
        Assert.InRange(lines.Written.Count, 1, 40);
    }

    [Fact]
    public void Who_only_did_not_answer_is_forgotten_with_its_name()
    {
        var list = new StrangerList(TimeProvider.System, lines);
        list.Note(IPAddress.Parse("10.0.0.1"), "does not answer");
        list.Note(IPAddress.Parse("10.0.0.2"), "another LIVEBOOK_COOKIE");
        Assert.False(list.ForgetAbsent([IPAddress.Parse("10.0.0.1")]));
        Assert.True(list.ForgetAbsent([]));
        Assert.Equal("10.0.0.2", Assert.Single(list.ToArray()).Address);
    }

    private sealed class Lines : ILogger
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Written.Add(formatter(state, exception));
    }
}
