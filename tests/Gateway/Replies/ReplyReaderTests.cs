using System.Text;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Tests.Replies;

public sealed class ReplyReaderTests
{
    private const ulong Batch = 0xb0;
    private const int Packets = 3;

    private static readonly string[] Tags = [.. Enumerable.Range(0, Packets).Select(Tag)];

    /// <summary>The answer with T0, T1, T2 for the tags; the replies as index=data; unknown tags; malformed.</summary>
    public static TheoryData<string, string, int, int> Answers => new()
    {
        { """{"Replies":[{"Tag":"T0","Data":"a"},{"Tag":"T2","Data":"c"}]}""", "0=a 2=c", 0, 0 },
        { """{"Replies":[{"Tag":"T1","Data":"b","GeneratedAt":""}]}""", "1=b", 0, 0 },
        { """{"Replies":[{"Tag":"T1","Data":"b","GeneratedAt":"no date","Other":[1]}]}""", "1=b", 0, 0 },
        { """{"Replies":[{"Tag":"T1","Data":"1"},{"Tag":"T1","Data":"2"}]}""", "1=1 1=2", 0, 0 },
        { """{"Replies":[null,{"Tag":"T0","Data":"a"},null]}""", "0=a", 0, 0 },
        { """{"Replies":[]}""", "", 0, 0 },
        { """{"Replies":null}""", "", 0, 0 },
        { """{}""", "", 0, 0 },
        { """null""", "", 0, 0 },
        { "", "", 0, 0 },
        { " \n", "", 0, 0 },
        { """{"Replies":{"Tag":"T0","Data":"a"}}""", "0=a", 0, 0 },
        { """{"Replies":[[{"Tag":"T0","Data":"a"},null],[{"Tag":"T1","Data":"b"}]]}""", "0=a 1=b", 0, 0 },
        { """{"Replies":[{"Tag":"T0","Data":""}]}""", "0=", 0, 0 },
        { """{"Replies":[{"Tag":"T0","Data":null},{"Tag":"T1"}]}""", "", 0, 0 },
        { """{"Replies":[{"Tag":"somebody else's","Data":"a"},{"Tag":"T1","Data":"b"}]}""", "1=b", 1, 0 },
        { """{"Replies":[{"Tag":17,"Data":"a"},{"Tag":"T1","Data":"b"}]}""", "1=b", 0, 1 },
        { """{"Replies":[{"Data":"a"},{"Tag":"T1","Data":"b"}]}""", "1=b", 0, 1 },
        { """{"Replies":[{"Tag":"T0","Data":17},{"Tag":"T1","Data":"b"}]}""", "1=b", 0, 1 },
        { """{"Replies":[{"Tag":"T0","Data":"\ud800"},{"Tag":"T1","Data":"b"}]}""", "1=b", 0, 1 },
        { """{"Replies":[{"Tag":"T1","Data":"b"},{"Tag":"T0","\ud800":"a"}]}""", "1=b", 0, 1 },
        { """{"Replies":[{"Tag":"T1","\ud800":"b"}]}""", "", 0, 1 },
        { """{"Replies":["text",5,true,{"Tag":"T1","Data":"b"}]}""", "1=b", 0, 3 },
        { """{"Replies":[[[{"Tag":"T0","Data":"a"}]]]}""", "", 0, 1 },
        { """{"Replies":"text"}""", "", 0, 1 },
        { """[]""", "", 0, 1 },
        { "\"text\"", "", 0, 1 },
        { """{"Replies":[{"Tag":"T0","Data":"a"}""", "", 0, 1 },
        { """<html>""", "", 0, 1 },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void Reads_what_handlers_really_return(string answer, string replies, int unknownTags, int malformed)
    {
        for (var i = 0; i < Packets; i++)
            answer = answer.Replace($"T{i}", Tags[i], StringComparison.Ordinal);

        var document = ReplyReader.Read(Encoding.UTF8.GetBytes(answer), Batch, Packets);

        Assert.Equal(replies, string.Join(' ', document.Replies.Select(reply => $"{reply.PacketIndex}={reply.Data}")));
        Assert.Equal(unknownTags, document.UnknownTags);
        Assert.Equal(malformed, document.Malformed);
        Assert.Equal(malformed > 0, document.FirstProblem is not null);
    }

    [Fact]
    public void Does_not_choke_on_bytes_that_are_no_text()
    {
        var document = ReplyReader.Read(new byte[] { (byte)'{', 0xff, 0xfe, (byte)'}' }, Batch, Packets);

        Assert.Equal(1, document.Malformed);
    }

    private static string Tag(int index) => Encoding.ASCII.GetString(PacketTag.Write(Batch, index, new byte[PacketTag.MaxLength]));
}
