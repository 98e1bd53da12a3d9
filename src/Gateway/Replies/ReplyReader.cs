using System.Text.Json;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Replies;

/// <summary>One readable reply: the packet that it answers, and the text of its payload.</summary>
internal readonly record struct Reply(int PacketIndex, string Data);

/// <summary>What the destination said.</summary>
internal sealed class ReplyDocument
{
    public List<Reply> Replies { get; } = [];

    /// <summary>Replies whose tag is none of the batch.</summary>
    public int UnknownTags { get; set; }

    /// <summary>Replies, or whole answers, that cannot be read.</summary>
    public int Malformed { get; set; }

    /// <summary>What was wrong first; never the payload.</summary>
    public string? FirstProblem { get; private set; }

    /// <summary>Whoever got some packets of a batch cannot answer the others.</summary>
    public ReplyDocument OnlyTo(BatchPart part)
    {
        UnknownTags += Replies.RemoveAll(reply => !part.Contains(reply.PacketIndex));
        return this;
    }

    public void AddProblem(string problem)
    {
        Malformed++;
        FirstProblem ??= problem;
    }
}

/// <summary>
/// Reads <c>{"Replies":[{"Tag":…,"Data":…}]}</c> with the tolerance that existing handlers need: nulls and gaps, a
/// missing or null array, a null or empty answer, one object instead of an array, and one level of arrays too many.
/// </summary>
internal static class ReplyReader
{
    public static ReplyDocument Read(ReadOnlyMemory<byte> answer, ulong batchId, int packets)
    {
        var document = new ReplyDocument();
        if (answer.Span.Trim(" \t\r\n"u8).IsEmpty)
            return document;

        try
        {
            using var json = JsonDocument.Parse(answer);
            ReadRoot(json.RootElement, document, batchId, packets);
        }
        catch (JsonException)
        {
            document.AddProblem("the answer is not JSON");
        }
        catch (InvalidOperationException)
        {
            // A property name may escape half of a surrogate pair, as a value may; the reader finds out when it compares it.
            document.AddProblem("the answer has a name that is no valid text");
        }

        return document;
    }

    private static void ReadRoot(JsonElement root, ReplyDocument document, ulong batchId, int packets)
    {
        switch (root.ValueKind)
        {
            case JsonValueKind.Null:
                return;
            case JsonValueKind.Object:
                if (root.TryGetProperty("Replies", out var replies))
                    ReadReplies(replies, document, batchId, packets, depth: 0);
                return;
            default:
                document.AddProblem($"the answer is {Describe(root)}, not an object");
                return;
        }
    }

    /// <param name="replies">An array, a single reply, or null.</param>
    /// <param name="document">Takes what was read.</param>
    /// <param name="batchId">The batch that the tags must name.</param>
    /// <param name="packets">Packets of that batch.</param>
    /// <param name="depth">Arrays around this element.</param>
    private static void ReadReplies(JsonElement replies, ReplyDocument document, ulong batchId, int packets, int depth)
    {
        switch (replies.ValueKind)
        {
            case JsonValueKind.Null:
                return;
            case JsonValueKind.Object:
                ReadReply(replies, document, batchId, packets);
                return;
            case JsonValueKind.Array when depth < 2:
                foreach (var element in replies.EnumerateArray())
                    ReadReplies(element, document, batchId, packets, depth + 1);
                return;
            default:
                document.AddProblem($"a reply is {Describe(replies)}, not an object");
                return;
        }
    }

    private static void ReadReply(JsonElement reply, ReplyDocument document, ulong batchId, int packets)
    {
        if (!reply.TryGetProperty("Data", out var data) || data.ValueKind == JsonValueKind.Null)
            return;
        if (!reply.TryGetProperty("Tag", out var tag) || tag.ValueKind != JsonValueKind.String)
        {
            document.AddProblem("a reply has no Tag of type string");
            return;
        }

        if (data.ValueKind != JsonValueKind.String)
        {
            document.AddProblem($"the Data of a reply is {Describe(data)}, not a string");
            return;
        }

        if (!TryGetString(tag, out var tagText) || !PacketTag.TryRead(tagText, batchId, packets, out var index))
            document.UnknownTags++;
        else if (TryGetString(data, out var dataText))
            document.Replies.Add(new Reply(index, dataText));
        else
            document.AddProblem("the Data of a reply is no valid text");
    }

    /// <summary>A JSON string may escape half of a surrogate pair, which is no text.</summary>
    private static bool TryGetString(JsonElement element, out string text)
    {
        try
        {
            text = element.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            text = "";
            return false;
        }
    }

    private static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };
}
