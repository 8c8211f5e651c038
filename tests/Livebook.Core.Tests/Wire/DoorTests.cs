using System.Text.Json;
using Livebook.Core.Json;
using Livebook.Core.Sessions;
using Livebook.Core.Wire;

namespace Livebook.Core.Tests.Wire;

public sealed class DoorTests
{
    private static ClientMessage? Read(string json) => JsonSerializer.Deserialize(json, WireJson.Default.ClientMessage);

    [Theory]
    [InlineData("""{"type":"submit","ref":1}""")]
    [InlineData("""{"type":"submit","ref":1,"operation":null}""")]
    [InlineData("""{"type":"submit","ref":1,"operation":{"op":"rename_notebook"}}""")]
    [InlineData("""{"type":"submit","ref":1,"operation":{"op":"rename_notebook","name":null}}""")]
    [InlineData("""{"type":"submit","ref":1,"operation":{"op":"edit_text","cell":"a","editor":"e","revision":0,"updates":[[-1]]}}""")]
    [InlineData("""{"type":"submit","ref":1,"operation":{"op":"runtime_down","runtime":"r","reason":"forged"}}""")]
    [InlineData("""{"type":"nothing"}""")]
    public void Bad_messages_fail_at_the_door(string json) => Assert.ThrowsAny<JsonException>(() => Read(json));

    [Fact]
    public void A_message_may_name_its_type_last_and_leave_out_what_has_a_default()
    {
        var message = Read("""{"ref":3,"operation":{"cell":"cell-0001","section":"section-1","source":"\ud83d","op":"insert_cell"},"type":"submit"}""");
        var insert = Assert.IsType<ClientOperation.InsertCell>(Assert.IsType<ClientMessage.Submit>(message).Operation);
        Assert.Equal(("code", "\ud83d"), (insert.Kind, insert.Source));
    }
}
