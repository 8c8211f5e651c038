using System.Text.Json;
using Livebook.Core.Json;
using Livebook.Core.Notebooks;
using Livebook.Core.Sessions;
using Livebook.Testing;

namespace Livebook.Core.Tests.Json;

public sealed class StateJsonTests
{
    private const string Oldest = """{"id":"session-0001","createdAt":"2025-01-01T12:00:00+00:00","notebook":{},"cells":{"cell-a":{}}}""";

    [Fact]
    public void What_an_older_build_did_not_write_has_its_default()
    {
        var state = StateJson.ReadState(System.Text.Encoding.UTF8.GetBytes(Oldest));
        Assert.Equal(Notebook.DefaultName, state.Notebook.Name);
        Assert.Equal(5, state.Notebook.AutosaveSeconds);
        Assert.Equal([Cell.SetupId], state.Notebook.Cells.Select(cell => cell.Id));
        Assert.True(state.Queue.IsEmpty);
        Assert.Empty(state.Refs);
        Assert.Equal("off", state.Runtime.Status);
        Assert.Equal("none", state.File.State);
        Assert.Equal(50L * 1024 * 1024, state.OutputLimitBytes);
        Assert.True(state.StateOf("cell-a").Outputs.IsEmpty);
        Assert.Empty(state.StateOf("cell-a").TextHistory);
        new TestSession(state).After(new ClientOperation.InsertSection("section-1"), new ClientOperation.InsertCell("cell-0001", "section-1")).Run("cell-0001");
    }

    [Fact]
    public void What_must_be_there_is_missed()
    {
        Assert.Throws<JsonException>(() => StateJson.ReadState("""{"id":"session-0001"}"""u8));
        Assert.Throws<JsonException>(() => StateJson.ReadState("""{"id":"session-0001","createdAt":"2025-01-01T12:00:00Z","notebook":null}"""u8));
    }
}
