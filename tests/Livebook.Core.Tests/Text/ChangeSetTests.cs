using Livebook.Core.Text;

namespace Livebook.Core.Tests.Text;

public sealed class ChangeSetTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("[-1]")]
    [InlineData("[1.5]")]
    [InlineData("[[]]")]
    [InlineData("""[["a"]]""")]
    [InlineData("""[[0,1]]""")]
    [InlineData("""[[0,"a\nb"]]""")]
    [InlineData("[2147483647,2147483647]")]
    [InlineData("[1")]
    [InlineData("[1][1]")]
    public void What_is_not_a_change_set_is_refused(string json) => Assert.Throws<FormatException>(() => ChangeSet.Parse(json));

    [Fact]
    public void Edits_make_a_change_set_with_one_kind_of_line_end()
    {
        var changes = ChangeSet.Of(5, [(1, 2, "x\r\ny"), (4, 4, "z")]);
        Assert.Equal("""[1,[1,"x","y"],2,[0,"z"],1]""", changes.ToString());
        Assert.Equal("ax\nycdze", changes.Apply("abcde"));
    }

    [Fact]
    public void Edits_out_of_order_or_range_and_texts_of_another_length_are_refused()
    {
        Assert.Throws<ArgumentException>(() => ChangeSet.Of(5, [(2, 3, ""), (1, 1, "x")]));
        Assert.Throws<ArgumentException>(() => ChangeSet.Of(5, [(4, 6, "")]));
        Assert.Throws<ArgumentException>(() => ChangeSet.Parse("[3]").Apply("ab"));
        Assert.Throws<ArgumentException>(() => ChangeSet.Parse("[3]").Map(ChangeSet.Parse("[2]")));
    }
}
