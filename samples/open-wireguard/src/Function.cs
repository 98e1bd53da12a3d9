using System.Text.Json;

namespace InnerEcho;

/// <summary>
/// The destination of the listener. It receives batches of what came out of the tunnel and returns what goes back in.
/// </summary>
public sealed class Function
{
    private readonly EchoResponder _responder = new(Environment.GetEnvironmentVariable("GREETING") ?? "hello from udpgw");

    public Stream Handle(Stream input)
    {
        var batch = JsonSerializer.Deserialize<PacketBatch>(input) ?? throw new JsonException("The event is no batch of packets.");

        var replies = new List<Reply>(batch.Messages.Count);
        foreach (var message in batch.Messages)
        {
            var answer = _responder.Answer(Convert.FromBase64String(message.Data));
            if (answer is not null)
                replies.Add(new Reply(message.Tag, Convert.ToBase64String(answer)));
        }

        return new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(new ReplyBatch(replies)));
    }
}
