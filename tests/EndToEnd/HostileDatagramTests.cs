using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests;

/// <summary>Whatever a stranger sends: silence, the program lives, and the drop is counted under its reason.</summary>
[Collection(OpenEndpoint.Collection)]
public sealed class HostileDatagramTests(OpenEndpoint endpoint)
{
    private const int InitiationSize = 148;
    private const int ResponseSize = 92;
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    private readonly RunningStack _stack = endpoint.Stack;

    [Fact]
    public async Task Garbage_of_every_length_is_dropped_as_malformed()
    {
        // The first byte is never a message type, so that the reason is the same for all.
        var random = new Random(1);
        var garbage = Enumerable.Range(0, 200).Select(length =>
        {
            var datagram = new byte[length];
            random.NextBytes(datagram);
            if (length > 0)
                datagram[0] = (byte)random.Next(5, 256);
            return datagram;
        });

        await AssertDroppedAsync("malformed", garbage.ToArray());
    }

    [Fact]
    public async Task Truncated_messages_are_dropped_as_malformed()
    {
        using var client = await ConnectedAsync();
        var initiation = client.Sent[0];
        var data = client.Sent[^1];

        await AssertDroppedAsync("malformed", initiation[..^1], initiation[..100], [.. initiation, 0], data[..31], data[..1], [.. data[..1], 1, .. data[2..]]);
    }

    [Fact]
    public async Task Random_initiations_are_dropped_by_their_first_mac()
    {
        var datagrams = Enumerable.Range(0, 20).Select(seed => Message(1, InitiationSize, seed));

        await AssertDroppedAsync("mac1_invalid", datagrams.ToArray());
    }

    [Fact]
    public async Task Responses_and_cookie_replies_are_unexpected()
    {
        await AssertDroppedAsync("unexpected_type", Message(2, ResponseSize, 1), Message(3, 64, 1));
    }

    [Fact]
    public async Task Data_for_no_session_is_dropped_as_unknown_index()
    {
        await AssertDroppedAsync("unknown_index", Message(4, 32, 1), Message(4, 128, 2), Message(4, 1_452, 3));
    }

    [Fact]
    public async Task A_replayed_initiation_is_dropped_by_its_timestamp()
    {
        using var client = await ConnectedAsync();
        // Within 20 ms it would count as a flood of this key.
        await Task.Delay(TimeSpan.FromMilliseconds(50));

        await AssertDroppedAsync("timestamp_replayed", client.Sent[0]);

        Assert.Equal("hello from udpgw: still there", await client.AskAsync("still there"));
        Assert.Equal(1, client.HandshakesCompleted);
    }

    [Fact]
    public async Task Replayed_data_is_dropped()
    {
        using var client = await ConnectedAsync();

        await AssertDroppedAsync("replayed", client.Sent[^1], client.Sent[^1]);
    }

    [Fact]
    public async Task Tampered_data_is_dropped_as_not_authentic()
    {
        using var client = await ConnectedAsync();
        byte[] badTag = [.. client.Sent[^1]];
        badTag[^1] ^= 1;
        // A counter that was not used yet, so that the replay window has nothing to say.
        badTag[8] += 100;

        await AssertDroppedAsync("not_authentic", badTag);
    }

    private async Task<TunnelClient> ConnectedAsync()
    {
        var client = new TunnelClient(_stack);
        Assert.Equal("hello from udpgw: here", await client.AskAsync("here"));
        return client;
    }

    private async Task AssertDroppedAsync(string reason, params byte[][] datagrams)
    {
        using var stranger = new TunnelClient(_stack);
        var before = await _stack.DropsAsync(reason);

        foreach (var datagram in datagrams)
            stranger.SendDatagram(datagram);

        Assert.Null(await stranger.ReceiveDatagramAsync(Silence));
        await Eventually.TrueAsync(async () => await _stack.DropsAsync(reason) - before >= datagrams.Length, TimeSpan.FromSeconds(5));
        Assert.Equal(datagrams.Length, await _stack.DropsAsync(reason) - before);
        using var honest = await ConnectedAsync();
    }

    private static byte[] Message(byte type, int length, int seed)
    {
        var message = new byte[length];
        new Random(seed).NextBytes(message);
        message[0] = type;
        message.AsSpan(1, 3).Clear();
        return message;
    }
}
