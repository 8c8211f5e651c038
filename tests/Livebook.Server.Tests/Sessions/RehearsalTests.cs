using Livebook.Server.Sessions;

namespace Livebook.Server.Tests.Sessions;

public sealed class RehearsalTests
{
    [Fact]
    public void The_rehearsal_of_a_takeover_follows_the_rules_of_sessions() => Rehearsal.Run();
}
