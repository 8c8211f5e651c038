using System.Runtime.InteropServices;

namespace Livebook.Runtime.Host;

/// <summary>Linux's way for a process to give up access to files, for itself and whatever it starts.</summary>
internal static unsafe class Landlock
{
    private const long CreateRuleset = 444;
    private const long AddRule = 445;
    private const long RestrictSelf = 446;
    private const uint AskVersion = 1;
    private const int PathBeneath = 1;
    private const int OpenPath = 0x200000;
    private const int CloseOnExecute = 0x80000;

    /// <summary>Listing directories stays possible everywhere: names tell nothing, and many programs list the parents of what they work on.</summary>
    private const ulong ListDirectory = 1 << 3;

    /// <summary>Execute, write, read, truncate, control devices.</summary>
    private const ulong OfFiles = 0b1100_0000_0000_0111;
    private const ulong Signals = 1 << 1;

    /// <summary>Restricts the calling thread to what is at and below the paths. False when the kernel does not take it.</summary>
    public static bool Restrict(IEnumerable<string> paths)
    {
        var version = NativeMethods.Call(CreateRuleset, null, 0, AskVersion);
        if (version < 1)
            return false;
        var rules = new Ruleset { Files = Known(version) & ~ListDirectory, Scoped = version >= 6 ? Signals : 0 };
        var size =
            version >= 6 ? sizeof(Ruleset)
            : version >= 4 ? 2 * sizeof(ulong)
            : sizeof(ulong);
        var ruleset = (int)NativeMethods.Call(CreateRuleset, &rules, (nuint)size, 0);
        if (ruleset < 0)
            return false;
        foreach (var path in paths)
            Allow(ruleset, path, rules.Files);
        var restricted = NativeMethods.Call(RestrictSelf, ruleset, 0) == 0;
        _ = NativeMethods.Close(ruleset);
        return restricted;
    }

    /// <summary>All that lies beside the directory and its parents. A link there may lead into the directory; what it names is allowed by itself or not.</summary>
    public static IEnumerable<string> EverythingBut(string directory)
    {
        for (string? at = directory; Path.GetDirectoryName(at) is { } parent; at = parent)
        {
            foreach (var sibling in Directory.EnumerateFileSystemEntries(parent))
                if (sibling != at && new FileInfo(sibling).LinkTarget is null)
                    yield return sibling;
        }
    }

    private static void Allow(int ruleset, string path, ulong rights)
    {
        var descriptor = NativeMethods.Open(path, OpenPath | CloseOnExecute);
        if (descriptor < 0)
            return;
        var rule = new Rule { Rights = Directory.Exists(path) ? rights : rights & OfFiles, Parent = descriptor };
        _ = NativeMethods.Call(AddRule, ruleset, PathBeneath, &rule, 0);
        _ = NativeMethods.Close(descriptor);
    }

    /// <summary>The rights that a version knows: 13, then moving between directories, truncating, controlling devices.</summary>
    private static ulong Known(long version) =>
        version switch
        {
            1 => (1UL << 13) - 1,
            2 => (1UL << 14) - 1,
            3 or 4 => (1UL << 15) - 1,
            _ => (1UL << 16) - 1,
        };

    [StructLayout(LayoutKind.Sequential)]
    private struct Ruleset
    {
        public ulong Files;
        public ulong Network;
        public ulong Scoped;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Rule
    {
        public ulong Rights;
        public int Parent;
    }
}
