using FsCheck;
using FsCheck.Fluent;
using UdpGateway.WireGuard.InnerPackets;
using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Tests.Scenarios;

namespace UdpGateway.WireGuard.Tests.Properties;

public sealed class WireProperties
{
    private static readonly int[] KnownSizes = [Paper.InitiationSize, Paper.ResponseSize, Paper.CookieReplySize, Paper.KeepaliveSize];

    /// <summary>Any bytes, often with the type, the reserved zeros and the size of a message.</summary>
    private static readonly Gen<byte[]> Datagrams =
        Gen.Frequency((2, Gen.Choose(0, 300)), (3, Gen.Elements(KnownSizes)), (1, Gen.Choose(0, 2_000)))
            .SelectMany(length => Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(length))
            .Zip(Gen.Choose(-3, 5), (bytes, type) =>
            {
                if (type >= 0 && bytes.Length >= 4)
                    (bytes[0], bytes[1], bytes[2], bytes[3]) = ((byte)type, 0, 0, 0);
                return bytes;
            });

    [Fact]
    public void Classification_takes_any_bytes_and_says_what_the_table_of_sizes_says()
    {
        Property.Holds(Datagrams, datagram =>
        {
            var isMessage = datagram.Length >= 4 && datagram[1..4].All(value => value == 0) && datagram[0] switch
            {
                1 => datagram.Length == 148,
                2 => datagram.Length == 92,
                3 => datagram.Length == 64,
                4 => datagram.Length >= 32,
                _ => false,
            };

            Assert.Equal(isMessage, WireGuardMessage.TryClassify(datagram, out var type));
            if (isMessage)
                Assert.Equal(datagram[0], (byte)type);
        }, runs: 2_000);
    }

    [Fact]
    public void Engine_takes_any_bytes_and_answers_none_that_lack_mac1()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewHandmadeClient();
        client.Connect();
        tunnels.PutUnderLoad();

        Property.Holds(Datagrams, datagram =>
        {
            var received = tunnels.Deliver(datagram);
            Assert.True(received.Result.IsDrop);
            Assert.Empty(received.Answer);
            if (datagram.Length < Paper.KeepaliveSize)
                return;
            BitConverter.TryWriteBytes(datagram.AsSpan(4), client.RemoteIndex);
            Assert.True(tunnels.Deliver(datagram).Result.IsDrop);
        }, runs: 2_000);

        Assert.Equal((1, 0, 1), (tunnels.Engine.PeerCount, tunnels.Engine.HalfOpenCount, tunnels.Engine.SessionCount));
    }

    [Fact]
    public void Client_takes_any_bytes_and_stays_as_it_was()
    {
        using var tunnels = new Tunnels();
        var client = tunnels.NewClient();
        client.Connect(tunnels.Now);
        var response = tunnels.Deliver(tunnels.Take(client).Single()).Answer;

        Property.Holds(Datagrams, datagram =>
        {
            if (datagram.Length >= 12)
                response.AsSpan(8, 4).CopyTo(datagram.AsSpan(datagram[0] == 2 ? 8 : 4));
            Assert.Null(tunnels.Open(client, datagram));
            Assert.False(client.IsConnected);
        }, runs: 2_000);

        tunnels.Open(client, response);
        Assert.True(client.IsConnected);
    }

    [Fact]
    public void Inner_packet_of_any_bytes_is_classified_within_its_bounds()
    {
        var bytes = Gen.Choose(0, 100).SelectMany(length => Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(length));
        var payloads = Property.Together(bytes, Gen.Elements((byte)0x45, (byte)0x46, (byte)0x4f, (byte)0x60, (byte)0x00), Gen.Choose(0, 110));

        Property.Holds(payloads, values =>
        {
            var (payload, first, length) = values;
            if (payload.Length >= 20)
            {
                payload[0] = first;
                payload[2] = payload[4] = 0;
                (payload[3], payload[5]) = ((byte)length, (byte)length);
                TestPackets.WriteChecksum(payload);
            }

            var kind = InnerPacket.Classify(payload, out var total);
            Assert.InRange(total, 0, payload.Length);
            if (kind == PayloadKind.Raw)
                Assert.Equal(payload.Length, total);
            else
                Assert.All(payload[total..], value => Assert.Equal(0, value));
        }, runs: 2_000);
    }
}
