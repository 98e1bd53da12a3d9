using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Amazon.Runtime.EventStreams;

namespace UdpGateway.Aws;

/// <summary>Reads the events of InvokeWithResponseStream one by one. One of them is in memory at a time.</summary>
/// <remarks>Source: AWS Lambda API Reference, "InvokeWithResponseStream"; Smithy, "Amazon Event Stream Specification".</remarks>
internal sealed class InvokeStream(Stream body) : IAsyncDisposable
{
    private const int LengthSize = 4;

    // A message without headers and payload: prelude, its checksum, and the checksum of the message.
    private const int MinMessage = 16;

    // The specification's limits: 128 KB of headers, 16 MB of payload.
    private const int MaxMessage = (16 * 1024 * 1024) + (128 * 1024) + MinMessage;

    private readonly byte[] _length = new byte[LengthSize];

    /// <summary>A stream that is nothing but its successful end.</summary>
    public static byte[] Complete { get; } = new EventStreamMessage(
        [Text(":message-type", "event"), Text(":event-type", "InvokeComplete"), Text(":content-type", "application/json")], "{}"u8.ToArray()).ToByteArray();

    /// <exception cref="AwsServiceException">The stream broke off, cannot be read, or carries the service's own error.</exception>
    public async ValueTask<InvokeStreamEvent> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (Interpret(await ReadMessageAsync(cancellationToken)) is { } known)
                return known;
        }
    }

    public ValueTask DisposeAsync() => body.DisposeAsync();

    private async ValueTask<EventStreamMessage> ReadMessageAsync(CancellationToken cancellationToken)
    {
        await FillAsync(_length, cancellationToken);
        var length = BinaryPrimitives.ReadInt32BigEndian(_length);
        if (length is < MinMessage or > MaxMessage)
            throw Broken($"a message of {length:N0} bytes");

        var message = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            _length.CopyTo(message, 0);
            await FillAsync(message.AsMemory(LengthSize, length - LengthSize), cancellationToken);
            return Decode(message, length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    private static EventStreamMessage Decode(byte[] message, int length)
    {
        try
        {
            return EventStreamMessage.FromBuffer(message, 0, length);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // Wrong checksums, and what a wrong length of a header leads to.
            throw Broken($"a message that cannot be read ({fault.GetType().Name})");
        }
    }

    private async ValueTask FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) < buffer.Length)
            throw new AwsServiceException(AwsFailure.ConnectionFailed, "Lambda InvokeWithResponseStream: the response ended before InvokeComplete", null, default, null, null);
    }

    /// <summary>Null for an event that a later version of the API has.</summary>
    private static InvokeStreamEvent? Interpret(EventStreamMessage message)
    {
        if (Header(message, ":message-type") is not "event")
        {
            var code = Header(message, ":exception-type") ?? Header(message, ":error-code") ?? "no error code";
            throw new AwsServiceException(AwsFailure.ServiceFault, $"Lambda InvokeWithResponseStream broke off the response: {code}", code, default, null, null);
        }

        return Header(message, ":event-type") switch
        {
            "PayloadChunk" => new InvokeStreamEvent(message.Payload),
            "InvokeComplete" => ReadComplete(message.Payload),
            _ => null,
        };
    }

    private static InvokeStreamEvent ReadComplete(byte[] payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload.Length == 0 ? "{}"u8.ToArray() : payload);
            return new InvokeStreamEvent(default, IsComplete: true, AwsJson.Text(json.RootElement, "ErrorCode"), AwsJson.Text(json.RootElement, "ErrorDetails"));
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw Broken("an InvokeComplete that is no JSON object");
        }
    }

    private static string? Header(EventStreamMessage message, string name) =>
        message.Headers.TryGetValue(name, out var header) && header.HeaderType == EventStreamHeaderType.String ? header.AsString() : null;

    private static EventStreamHeader Text(string name, string value)
    {
        var header = new EventStreamHeader(name);
        header.SetString(value);
        return header;
    }

    private static AwsServiceException Broken(string what) =>
        new(AwsFailure.ServiceFault, $"Lambda InvokeWithResponseStream answered with {what}", null, default, null, null);
}
