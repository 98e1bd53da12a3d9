using UdpGateway.Cli.Dashboard;
using UdpGateway.Gateway.Batching;

namespace UdpGateway.Cli.Tests.Dashboard;

public sealed class PacketLogTests
{
    [Fact]
    public void Forgets_the_oldest_packets_and_counts_them()
    {
        var log = new PacketLog(capacity: 3);

        for (var number = 1; number <= 5; number++)
            log.Add(Packet(number));

        Assert.Equal([3, 4, 5], log.All.Select(packet => packet.Number));
        Assert.Equal(2, log.Forgotten);
    }

    [Fact]
    public void Holds_no_more_bytes_than_it_may()
    {
        var log = new PacketLog(byteCapacity: 1_000);

        for (var number = 1; number <= 50; number++)
            log.Add(Packet(number, bytes: 100));

        Assert.Equal(10, log.All.Count());
    }

    [Fact]
    public void Keeps_packets_that_went_through_when_many_are_dropped()
    {
        var log = new PacketLog();
        log.Add(Packet(1));

        for (var number = 2; number <= 20_000; number++)
            log.Add(Packet(number, dropReason: "malformed"));

        Assert.NotNull(log.Find(1));
        Assert.InRange(log.All.Count(), 2, 2_000);
    }

    [Fact]
    public void Tells_once_what_changed()
    {
        var log = new PacketLog();
        log.Add(Packet(1));
        log.Add(Packet(2));
        var seen = log.Version;

        log.Place(1, "echo", new PacketPlace(PacketPlacement.Batched, 0, 77), TimeSpan.FromSeconds(1));

        Assert.Equal([1], log.ChangedSince(seen, 100).Select(packet => packet.Number));
        Assert.Empty(log.ChangedSince(log.Version, 100));
        Assert.Equal("echo", Assert.Single(log.Find(1)!.Placements).Destination);
    }

    [Fact]
    public void Joins_a_packet_with_a_batch_that_was_answered_first()
    {
        var log = new PacketLog();
        log.Batch(77).Result = "delivered";
        log.Add(Packet(1));

        log.Place(1, "echo", new PacketPlace(PacketPlacement.Batched, 0, 77), TimeSpan.FromSeconds(1));

        Assert.Equal("delivered", Assert.Single(log.Find(1)!.Placements).Batch!.Result);
    }

    private static PassedPacket Packet(long number, int bytes = 1, string? dropReason = null) => new()
    {
        Number = number,
        Listener = "listener",
        Local = default,
        Source = default,
        At = DateTimeOffset.UnixEpoch,
        ReceivedAt = TimeSpan.Zero,
        AcceptedAt = TimeSpan.Zero,
        IsTunnel = false,
        Bytes = new byte[bytes],
        Length = bytes,
        DropReason = dropReason,
    };
}
