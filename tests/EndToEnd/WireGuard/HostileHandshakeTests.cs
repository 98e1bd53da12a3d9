using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>Messages that are nearly right, and datagrams of sizes that networks rarely carry.</summary>
[Collection(OpenEndpoint.Collection)]
public sealed class HostileHandshakeTests(OpenEndpoint endpoint)
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    private readonly RunningStack _stack = endpoint.Stack;

    [Fact]
    public async Task Another_type_or_length_or_reserved_byte_is_malformed_whatever_else_is_right()
    {
        using var client = new HandDrivenClient(_stack.PublicKey);
        using var socket = new OuterSocket(_stack.Endpoint);
        var initiation = client.Initiate();
        var datagrams = new List<byte[]>();
        for (var type = 0; type <= 255; type++)
        {
            // 1 as it is would be answered, and 2 to 4 have other lengths or reasons.
            if (type is 0 or > 4)
                datagrams.Add([(byte)type, .. initiation[1..]]);
        }

        for (var reserved = 1; reserved < 4; reserved++)
            datagrams.Add([.. initiation[..reserved], 1, .. initiation[(reserved + 1)..]]);
        for (var length = 0; length <= 200; length++)
        {
            if (length != initiation.Length)
                datagrams.Add([.. initiation.Concat(new byte[100]).Take(length)]);
        }

        var before = await _stack.DropsAsync("malformed");
        foreach (var datagram in datagrams)
            socket.Send(datagram);

        await Eventually.TrueAsync(async () => await _stack.DropsAsync("malformed") == before + datagrams.Count, OuterSocket.Patience);
        Assert.Null(await socket.ReceiveAsync(Silence));
        await client.ConnectAsync(socket);
    }

    [Fact]
    public async Task An_initiation_whose_timestamp_is_not_newer_is_a_replay()
    {
        var key = TunnelClient.NewPrivateKey();
        var now = DateTimeOffset.UtcNow;
        using var client = new HandDrivenClient(_stack.PublicKey, key);
        using var equal = new HandDrivenClient(_stack.PublicKey, key);
        using var older = new HandDrivenClient(_stack.PublicKey, key);
        using var newer = new HandDrivenClient(_stack.PublicKey, key);
        using var socket = new OuterSocket(_stack.Endpoint);
        var first = client.Initiate(now);
        socket.Send([.. first]);
        Assert.Equal(92, (await socket.ReceiveAsync(OuterSocket.Patience))?.Length);
        var before = await _stack.DropsAsync("timestamp_replayed");

        socket.Send(first);
        socket.Send(equal.Initiate(now));
        socket.Send(older.Initiate(now - TimeSpan.FromMinutes(1)));

        await Eventually.TrueAsync(async () => await _stack.DropsAsync("timestamp_replayed") == before + 3, OuterSocket.Patience);
        Assert.Null(await socket.ReceiveAsync(Silence));
        socket.Send(newer.Initiate(now + TimeSpan.FromSeconds(1)));
        Assert.Equal(92, (await socket.ReceiveAsync(OuterSocket.Patience))?.Length);
    }

    [Fact]
    public async Task Two_initiations_of_one_key_within_20_milliseconds_are_a_flood()
    {
        using var socket = new OuterSocket(_stack.Endpoint);
        var before = await _stack.DropsAsync("initiation_flood");

        // The machine may pause between two sends, so more than one pair is tried.
        await Eventually.TrueAsync(
            async () =>
            {
                using var client = new HandDrivenClient(_stack.PublicKey);
                byte[][] pair = [client.Initiate(), client.Initiate()];
                foreach (var initiation in pair)
                    socket.Send(initiation);
                Assert.Equal(92, (await socket.ReceiveAsync(OuterSocket.Patience))?.Length);
                return await _stack.DropsAsync("initiation_flood") > before;
            },
            OuterSocket.Patience);
    }

    [Fact]
    public async Task The_smallest_and_the_largest_datagram_and_many_in_one_piece_are_taken_as_they_are()
    {
        using var client = new HandDrivenClient(_stack.PublicKey);
        using var socket = new OuterSocket(_stack.Endpoint);
        await client.ConnectAsync(socket);
        var (malformed, unknown) = (await _stack.DropsAsync("malformed"), await _stack.DropsAsync("unknown_index"));
        var garbage = new byte[65_507];
        garbage[0] = 0xff;
        var stray = new byte[65_507 - 3]; // a transport message is a multiple of 16 bytes when it is padded, and any length when raw
        stray[0] = 4;

        socket.Send([]);
        socket.Send(garbage);
        socket.Send(stray);
        socket.SendInOnePiece([.. Enumerable.Range(0, 40).Select(i => client.Seal([(byte)(0xc0 + i), .. new byte[999]]))]);
        socket.Send(client.Seal([0xff, .. new byte[59_999]]));

        var lengths = new List<int>();
        for (var i = 0; i < 41; i++)
            lengths.Add(client.Open((await socket.ReceiveAsync(OuterSocket.Patience))!)!.Length);
        Assert.Equal([.. Enumerable.Repeat(18 + 1_000, 40), 18 + 60_000], lengths.Order());
        Assert.Equal((malformed + 2, unknown + 1), (await _stack.DropsAsync("malformed"), await _stack.DropsAsync("unknown_index")));
    }
}
