using System.Collections.Immutable;

namespace Livebook.Kino;

/// <summary>A value that knows how it wants to be shown.</summary>
public interface IDisplayable
{
    /// <summary>MIME type → value; <c>text/plain</c> is added when it is missing. Binary types hold base64.</summary>
    ImmutableSortedDictionary<string, string> ToMimeBundle();
}
