using System.Text;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;

namespace UdpGateway.Gateway.Tests.Replies;

public sealed class ReplyStreamReaderTests
{
    private const ulong Batch = 0xb0;
    private const int Packets = 3;

    /// <summary>The response with T0, T1, T2 for the tags; the replies as index=data; unknown tags; malformed.</summary>
    public static TheoryData<string, string, int, int> Responses
    {
        get
        {
            TheoryData<string, string, int, int> responses = [];
            foreach (var row in ReplyReaderTests.Answers)
            {
                var (answer, replies, unknownTags, malformed) = ((string)row[0], (string)row[1], (int)row[2], (int)row[3]);
                // What a reader of whole answers refuses, and one of streams need not.
                if (answer is not ("[]" or """{"Replies":[{"Tag":"T0","Data":"a"}"""))
                    responses.Add(answer, replies, unknownTags, malformed);
            }

            // One after the other.
            responses.Add("""{"Tag":"T0","Data":"a"}{"Tag":"T1","Data":"b"}""", "0=a 1=b", 0, 0);
            responses.Add("""{"Data":"a","Tag":"T0"} {"Tag":"T1","Data":"b"}""" + "\n", "0=a 1=b", 0, 0);
            responses.Add("""{"Tag":"T0","Data":"a"}""" + "\r\n" + """{"Tag":"T0","Data":"b","Other":{"Tag":"T1","Data":[1]}}""" + "\n\n", "0=a 0=b", 0, 0);
            responses.Add("""null {"Tag":"T0"} {} {"Tag":"T2","Data":"c"}""", "2=c", 0, 0);
            responses.Add("""{"Tag":"T0","Data":5}{"Tag":"T7","Data":"a"}{"Tag":"T2","Data":"c"}""", "2=c", 1, 1);
            // In arrays.
            responses.Add("""[{"Tag":"T0","Data":"a"},null,[{"Tag":"T1","Data":"b"}]]""", "0=a 1=b", 0, 0);
            // Envelopes, also several, and with more than their replies.
            responses.Add("""{"Replies":[{"Tag":"T0","Data":"a"}]}{"Replies":[{"Tag":"T1","Data":"b"}]}""", "0=a 1=b", 0, 0);
            responses.Add("""{"Status":{"Replies":[{"Tag":"T2","Data":"x"}]},"Replies":[{"Tag":"T0","Data":"a"}],"Tag":"T1","Data":"no reply"}""", "0=a", 0, 0);
            responses.Add("""{"Replies":[{"Tag":"T0","Data":"a","Replies":[{"Tag":"T1","Data":"x"}]}],"Replies":null}{"Tag":"T1","Data":"b"}""", "0=a 1=b", 0, 0);
            // What ends within a reply, and what is no JSON: the replies before it count.
            responses.Add("""{"Replies":[{"Tag":"T0","Data":"a"},{"Tag":"T1","Data":"b""", "0=a", 0, 1);
            responses.Add("""{"Tag":"T0","Data":"a"} oops {"Tag":"T1","Data":"b"}""", "0=a", 0, 1);
            return responses;
        }
    }

    [Theory]
    [MemberData(nameof(Responses))]
    public void Reads_the_same_however_the_response_is_cut(string response, string replies, int unknownTags, int malformed)
    {
        for (var i = 0; i < Packets; i++)
            response = response.Replace($"T{i}", Tag(i), StringComparison.Ordinal);
        var bytes = Encoding.UTF8.GetBytes(response);

        foreach (var size in (int[])[1, 2, 7, 50, int.MaxValue])
        {
            using var reader = new ReplyStreamReader(Batch, Packets);
            List<ReplyDocument> documents = [.. bytes.Chunk(Math.Min(size, Math.Max(bytes.Length, 1))).Select(chunk => reader.Read(chunk, isFinal: false)), reader.Read([], isFinal: true)];

            Assert.Equal(replies, string.Join(' ', documents.SelectMany(document => document.Replies).Select(reply => $"{reply.PacketIndex}={reply.Data}")));
            Assert.Equal(unknownTags, documents.Sum(document => document.UnknownTags));
            Assert.Equal(malformed, documents.Sum(document => document.Malformed));
        }
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("", "\n")]
    [InlineData("""{"Replies":[""", ",")]
    [InlineData("[", ",")]
    public void Gives_each_reply_as_soon_as_it_is_complete(string start, string separator)
    {
        using var reader = new ReplyStreamReader(Batch, Packets);

        Assert.Empty(reader.Read(Encoding.UTF8.GetBytes(start), isFinal: false).Replies);
        for (var i = 0; i < Packets; i++)
        {
            var reply = $$"""{"Tag":"{{Tag(i)}}","Data":"{{i}}"}""";
            Assert.Empty(reader.Read(Encoding.UTF8.GetBytes(reply[..^1]), isFinal: false).Replies);
            Assert.Equal(new Reply(i, $"{i}"), Assert.Single(reader.Read(Encoding.UTF8.GetBytes(reply[^1..]), isFinal: false).Replies));
            reader.Read(Encoding.UTF8.GetBytes(separator), isFinal: false);
        }
    }

    [Fact]
    public void Reads_many_replies_from_one_large_chunk()
    {
        var response = string.Concat(Enumerable.Range(0, 20_000).Select(i => $$"""{"Tag":"{{Tag(i % Packets)}}","Data":"{{i}}"}""" + "\n"));
        using var reader = new ReplyStreamReader(Batch, Packets);

        var document = reader.Read(Encoding.UTF8.GetBytes(response), isFinal: true);

        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => $"{i}"), document.Replies.Select(reply => reply.Data));
    }

    [Fact]
    public void Gives_up_on_a_reply_that_has_no_end()
    {
        using var reader = new ReplyStreamReader(Batch, Packets);
        var endless = new byte[64 * 1024];
        endless.AsSpan().Fill((byte)'x');

        Assert.Equal(0, reader.Read("{\"Data\":\""u8, isFinal: false).Malformed);
        var malformed = Enumerable.Range(0, 100).Sum(_ => reader.Read(endless, isFinal: false).Malformed);
        malformed += reader.Read("\"}"u8, isFinal: true).Malformed;

        Assert.Equal(1, malformed);
    }

    private static string Tag(int index)
    {
        Span<byte> tag = stackalloc byte[PacketTag.MaxLength];
        return Encoding.ASCII.GetString(PacketTag.Write(Batch, index, tag));
    }
}
