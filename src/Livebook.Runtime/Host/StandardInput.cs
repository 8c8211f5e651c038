using System.Text;

namespace Livebook.Runtime.Host;

/// <summary>The descriptor 0, which carries the key and then nothing any more.</summary>
internal static class StandardInput
{
    private const int MaximumKeyBytes = 4096;

    /// <summary>Reads the first line and puts an empty input in its place, so that neither user code nor its children wait for input.</summary>
    public static unsafe string TakeKey()
    {
        var key = new List<byte>();
        byte one;
        while (key.Count < MaximumKeyBytes && NativeMethods.Read(0, &one, 1) == 1 && one != (byte)'\n')
            key.Add(one);
        var empty = NativeMethods.Open("/dev/null", 0);
        _ = NativeMethods.Duplicate(empty, 0);
        _ = NativeMethods.Close(empty);
        return Encoding.UTF8.GetString([.. key]).TrimEnd('\r');
    }
}
