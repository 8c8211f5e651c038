using Livebook.Drill.Load;

namespace Livebook.EndToEnd.Clusters;

/// <summary>Two pages that type into the same cell, without a pause, while a test breaks things.</summary>
internal static class TypingRun
{
    public static Task<SessionRun> StartAsync(Node maker, Uri address, string signIn, CancellationToken stop) =>
        SessionRun.StartAsync(maker, address, signIn, [UserPlan.Typist(1), UserPlan.Typist(2)], folder: null, stop);
}
