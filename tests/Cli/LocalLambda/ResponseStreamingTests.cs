using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using UdpGateway.Cli.LocalLambda;

namespace UdpGateway.Cli.Tests.LocalLambda;

public sealed class ResponseStreamingTests
{
    private const string Streaming =
        """
        const fs = require('node:fs');
        exports.handler = awslambda.streamifyResponse(async (event, stream) => {
          stream.write('first');
          while (!fs.existsSync(event.release)) await new Promise(resolve => setTimeout(resolve, 10));
          stream.write('second');
          if (event.fail) throw new RangeError('half way');
          stream.end();
        });
        """;

    [Fact]
    public void Checksums_are_those_of_gzip() =>
        // The check value of CRC-32/ISO-HDLC.
        Assert.Equal(0xCBF43926u, EventStream.Crc32("123456789"u8));

    [RequiresProgramFact("node")]
    public async Task Chunks_arrive_as_they_are_written()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Node(Streaming));
        var release = Path.Combine(functions.StateDirectory, "release");

        using var response = await InvokeAsync(functions, JsonSerializer.Serialize(new { release }));
        await using var stream = await response.Content.ReadAsStreamAsync();
        var first = await ReadAsync(stream);
        await File.WriteAllTextAsync(release, "");
        var second = await ReadAsync(stream);
        var last = await ReadAsync(stream);

        Assert.Equal("application/vnd.amazon.eventstream", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(("PayloadChunk", "application/octet-stream", "first"), first);
        Assert.Equal(("PayloadChunk", "application/octet-stream", "second"), second);
        Assert.Equal(("InvokeComplete", "application/json", "{}"), last);
        Assert.Equal(-1, stream.ReadByte());
    }

    [RequiresProgramFact("node")]
    public async Task A_failure_after_the_first_chunk_is_told_at_the_end()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Node(Streaming));
        var release = Path.Combine(functions.StateDirectory, "release");
        await File.WriteAllTextAsync(release, "");

        using var response = await InvokeAsync(functions, JsonSerializer.Serialize(new { release, fail = true }));
        await using var stream = await response.Content.ReadAsStreamAsync();
        var text = "";
        (string Type, string ContentType, string Payload) message;
        while ((message = await ReadAsync(stream)).Type == "PayloadChunk") text += message.Payload;

        using var complete = JsonDocument.Parse(message.Payload);
        Assert.Equal("firstsecond", text);
        Assert.Equal("Unhandled", complete.RootElement.GetProperty("ErrorCode").GetString());
        Assert.Contains("half way", complete.RootElement.GetProperty("ErrorDetails").GetString(), StringComparison.Ordinal);
    }

    [RequiresProgramFact("python3")]
    public async Task A_function_that_does_not_stream_sends_its_answer_and_the_end()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python("def handler(event, context):\n    return 1 / event\n"));

        Assert.Equal([("PayloadChunk", "0.5"), ("InvokeComplete", "{}")], await AllAsync("2"));
        var failed = Assert.Single(await AllAsync("0"));
        Assert.Equal("InvokeComplete", failed.Type);
        Assert.Contains("ZeroDivisionError", failed.Payload, StringComparison.Ordinal);

        async Task<List<(string Type, string Payload)>> AllAsync(string payload)
        {
            using var response = await InvokeAsync(functions, payload);
            await using var stream = await response.Content.ReadAsStreamAsync();
            var messages = new List<(string Type, string Payload)>();
            do
            {
                var (type, _, body) = await ReadAsync(stream);
                messages.Add((type, body));
            }
            while (messages[^1].Type != "InvokeComplete");
            return messages;
        }
    }

    private static async Task<HttpResponseMessage> InvokeAsync(RunningFunctions functions, string payload)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/2021-11-15/functions/Echo/response-streaming-invocations");
        request.Content = new StringContent(payload);
        return await functions.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    // Reads by the format's description, not by the code that writes.
    private static async Task<(string Type, string ContentType, string Payload)> ReadAsync(Stream stream)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var prelude = new byte[12];
        await stream.ReadExactlyAsync(prelude, deadline.Token);
        var total = BinaryPrimitives.ReadInt32BigEndian(prelude);
        var headersLength = BinaryPrimitives.ReadInt32BigEndian(prelude.AsSpan(4));
        Assert.Equal(EventStream.Crc32(prelude.AsSpan(0, 8)), BinaryPrimitives.ReadUInt32BigEndian(prelude.AsSpan(8)));
        var message = new byte[total];
        prelude.CopyTo(message, 0);
        await stream.ReadExactlyAsync(message.AsMemory(12), deadline.Token);
        Assert.Equal(EventStream.Crc32(message.AsSpan(0, total - 4)), BinaryPrimitives.ReadUInt32BigEndian(message.AsSpan(total - 4)));

        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        var position = 12;
        while (position < 12 + headersLength)
        {
            var name = Encoding.UTF8.GetString(message, position + 1, message[position]);
            position += 1 + message[position];
            Assert.Equal(7, message[position]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(position + 1));
            headers[name] = Encoding.UTF8.GetString(message, position + 3, length);
            position += 3 + length;
        }

        Assert.Equal("event", headers[":message-type"]);
        return (headers[":event-type"], headers[":content-type"], Encoding.UTF8.GetString(message, position, total - 4 - position));
    }
}
