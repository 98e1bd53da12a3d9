using System.Text;
using System.Text.Json;

namespace UdpGateway.Provider.CloudFormation;

/// <summary>
/// Which run of an event this is. What one invocation cannot finish goes on in another one, which gets the event as it came in an
/// envelope with this.
/// </summary>
/// <param name="Number">0 for the event as CloudFormation sent it.</param>
/// <param name="Since">When the provider first saw the event; the time limit counts from here.</param>
internal readonly record struct Continuation(int Number, DateTimeOffset Since)
{
    /// <summary>With Lambda's 15 minutes a run, enough for any limit that CloudFormation sets, and a loop ends.</summary>
    public const int Max = 5;

    private const string Envelope = "Continuation";
    private const string Event = "Event";

    public bool IsLast => Number >= Max;

    /// <summary>The event inside the envelope; what is no envelope is the event itself, seen for the first time now.</summary>
    public static Continuation Unwrap(ReadOnlyMemory<byte> payload, DateTimeOffset now, out ReadOnlyMemory<byte> cloudFormationEvent)
    {
        cloudFormationEvent = payload;
        var first = new Continuation(0, now);
        try
        {
            using var document = JsonDocument.Parse(payload, CustomResourceEvent.AnyDepth);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root
                || !root.TryGetProperty(Envelope, out var envelope) || envelope.ValueKind is not JsonValueKind.Object
                || !root.TryGetProperty(Event, out var inner)
                || !envelope.TryGetProperty(nameof(Number), out var number) || !number.TryGetInt32(out var count)
                || !envelope.TryGetProperty(nameof(Since), out var since) || !since.TryGetDateTimeOffset(out var firstSeen))
            {
                return first;
            }

            cloudFormationEvent = Encoding.UTF8.GetBytes(inner.GetRawText());
            // Whatever an envelope says, it cannot buy more runs or more time than an event has.
            return new Continuation(Math.Max(count, 1), firstSeen < now ? firstSeen : now);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a member of another type than ours; reading the event finds out what it is.
            return first;
        }
    }

    public byte[] WrapNext(ReadOnlyMemory<byte> cloudFormationEvent)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject(Envelope);
            json.WriteNumber(nameof(Number), Number + 1);
            json.WriteString(nameof(Since), Since);
            json.WriteEndObject();
            json.WritePropertyName(Event);
            // It was read as JSON before; checking it once more would refuse what nests deeper than the writer does.
            json.WriteRawValue(cloudFormationEvent.Span, skipInputValidation: true);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
