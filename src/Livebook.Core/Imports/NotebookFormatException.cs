namespace Livebook.Core.Imports;

/// <summary>A file is no notebook that can be opened. The message is for a person and says what to do.</summary>
public sealed class NotebookFormatException : Exception
{
    public NotebookFormatException(string message)
        : base(message) { }

    public NotebookFormatException(string message, Exception innerException)
        : base(message, innerException) { }

    public NotebookFormatException() { }
}
