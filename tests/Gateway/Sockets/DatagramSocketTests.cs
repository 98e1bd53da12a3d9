using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.Sockets;

public sealed class DatagramSocketTests
{
    public static TheoryData<SocketBackend> Backends => TestGateway.Backends;

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Carries_datagrams_of_every_size_both_ways(SocketBackend backend)
    {
        var platform = DatagramPlatforms.Create(backend);
        using var server = platform.Bind(new IPEndPoint(IPAddress.Loopback, 0), share: false, 1 << 20);
        using var poller = platform.CreatePoller();
        using var batch = platform.CreateBatch();
        using var client = new UdpTestClient(server.LocalEndPoint.Port);
        poller.Add(server);

        foreach (var size in new[] { 0, 1, 1500, 2049, 65_507 })
        {
            var payload = new byte[size];
            Random.Shared.NextBytes(payload);
            client.Send(payload);
            WaitUntilReadable(poller, server);

            Assert.Equal(1, server.Receive(batch));
            Assert.True(batch.Datagram(0).SequenceEqual(payload));
            Assert.Equal(PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, client.Port)), batch.Endpoint(0));

            Assert.Equal(new SendSummary(1, size), server.Send(batch));
            Assert.Equal(payload, await client.ReceiveAsync());
        }
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Carries_IPv6(SocketBackend backend)
    {
        var platform = DatagramPlatforms.Create(backend);
        using var server = platform.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0), share: false, 1 << 20);
        using var poller = platform.CreatePoller();
        using var batch = platform.CreateBatch();
        using var client = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 20_000 };
        client.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        poller.Add(server);

        client.SendTo("hello"u8, SocketFlags.None, server.LocalEndPoint);
        WaitUntilReadable(poller, server);
        Assert.Equal(1, server.Receive(batch));
        Assert.Equal(PeerEndpoint.From((IPEndPoint)client.LocalEndPoint!), batch.Endpoint(0));
        Assert.Equal(1, server.Send(batch).Packets);

        var answer = new byte[16];
        Assert.Equal(5, client.Receive(answer));
        Assert.Equal("hello"u8, answer.AsSpan(0, 5));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Sends_the_rest_when_the_kernel_refuses_one(SocketBackend backend)
    {
        var platform = DatagramPlatforms.Create(backend);
        using var server = platform.Bind(new IPEndPoint(IPAddress.Loopback, 0), share: false, 1 << 20);
        using var batch = platform.CreateBatch();
        using var client = new UdpTestClient(server.LocalEndPoint.Port);
        var target = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, client.Port));
        for (var slot = 0; slot < 5; slot++)
        {
            batch.Slot(slot)[0] = (byte)slot;
            batch.Set(slot, slot is 0 or 2 ? 65_508 : 1, target); // one byte more than UDP has
        }

        batch.Count = 5;
        var sent = server.Send(batch);

        Assert.Equal(new SendSummary(3, 3), sent);
        Assert.Equal([1], await client.ReceiveAsync());
        Assert.Equal([3], await client.ReceiveAsync());
        Assert.Equal([4], await client.ReceiveAsync());
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Sends_neighbours_for_one_client_as_datagrams_of_their_own(SocketBackend backend)
    {
        var platform = DatagramPlatforms.Create(backend);
        using var server = platform.Bind(new IPEndPoint(IPAddress.Loopback, 0), share: false, 1 << 20);
        using var batch = platform.CreateBatch();
        using var first = new UdpTestClient(server.LocalEndPoint.Port);
        using var second = new UdpTestClient(server.LocalEndPoint.Port);
        // One length, a shorter one, a longer one, none at all, longer than Ethernet, and two clients in turn.
        (UdpTestClient Client, int Length)[] datagrams =
        [
            (first, 100), (first, 100), (first, 100), (first, 40), (first, 40), (first, 41), (first, 0), (first, 41), (second, 41), (second, 41),
            (first, 1_472), (first, 1_472), (first, 1_473), (first, 1_473), (second, 9_000), (second, 9_000), (second, 1), (first, 1),
        ];
        for (var slot = 0; slot < datagrams.Length; slot++)
        {
            batch.Slot(slot)[..datagrams[slot].Length].Fill((byte)slot);
            batch.Set(slot, datagrams[slot].Length, PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, datagrams[slot].Client.Port)));
        }

        batch.Count = datagrams.Length;
        var sent = server.Send(batch);

        Assert.Equal(new SendSummary(datagrams.Length, datagrams.Sum(datagram => datagram.Length)), sent);
        for (var slot = 0; slot < datagrams.Length; slot++)
            Assert.Equal(Enumerable.Repeat((byte)slot, datagrams[slot].Length).ToArray(), await datagrams[slot].Client.ReceiveAsync());
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Sends_one_by_one_what_the_kernel_does_not_cut_up(SocketBackend backend)
    {
        var platform = DatagramPlatforms.Create(backend);
        using var server = platform.Bind(new IPEndPoint(IPAddress.Loopback, 0), share: false, 1 << 20);
        using var batch = platform.CreateBatch();
        using var client = new UdpTestClient(server.LocalEndPoint.Port);
        var nowhere = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, 0)); // port 0 is refused
        var target = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, client.Port));
        for (var slot = 0; slot < 8; slot++)
        {
            batch.Slot(slot)[0] = (byte)slot;
            batch.Set(slot, 1, slot is 2 or 3 or 4 ? nowhere : target);
        }

        batch.Count = 8;
        var sent = server.Send(batch);

        Assert.Equal(new SendSummary(5, 5), sent);
        int[] sendable = [0, 1, 5, 6, 7];
        foreach (var slot in sendable)
            Assert.Equal([(byte)slot], await client.ReceiveAsync());
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Goes_on_after_a_client_has_closed_its_port(SocketBackend backend)
    {
        var platform = DatagramPlatforms.Create(backend);
        using var server = platform.Bind(new IPEndPoint(IPAddress.Loopback, 0), share: false, 1 << 20);
        using var batch = platform.CreateBatch();
        using var client = new UdpTestClient(server.LocalEndPoint.Port);
        var closed = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, TestGateway.FreePort()));
        var open = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, client.Port));

        for (var round = 0; round < 10; round++)
        {
            for (var slot = 0; slot < DatagramBatch.Capacity; slot++)
                batch.Set(slot, 1, slot % 2 == 0 ? closed : open);
            batch.Count = DatagramBatch.Capacity;
            Assert.Equal(DatagramBatch.Capacity, server.Send(batch).Packets);
        }

        Assert.True(client.HasReply);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public async Task Wakes_a_waiting_poller_from_another_thread(SocketBackend backend)
    {
        using var poller = DatagramPlatforms.Create(backend).CreatePoller();
        var clock = Stopwatch.StartNew();
        var waiting = Task.Factory.StartNew(() => poller.Wait(Eventually.Patience), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        poller.Wake();
        await waiting;

        Assert.True(clock.Elapsed < Eventually.Patience / 2);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Wakes_only_once_for_many_wakes(SocketBackend backend)
    {
        using var poller = DatagramPlatforms.Create(backend).CreatePoller();
        for (var i = 0; i < 100_000; i++)
            poller.Wake();
        poller.Wait(Eventually.Patience);

        var clock = Stopwatch.StartNew();
        poller.Wait(TimeSpan.FromMilliseconds(50));

        Assert.True(clock.Elapsed >= TimeSpan.FromMilliseconds(40), "A wake was left over.");
    }

    [LinuxFact("SO_RXQ_OVFL is of Linux")]
    public void Counts_what_the_kernel_dropped()
    {
        var platform = DatagramPlatforms.Create(SocketBackend.Linux);
        using var server = platform.Bind(new IPEndPoint(IPAddress.Loopback, 0), share: false, 4096);
        using var batch = platform.CreateBatch();
        using var client = new UdpTestClient(server.LocalEndPoint.Port);
        for (var i = 0; i < 1000; i++)
            client.Send(new byte[1000]);

        var received = 0;
        for (var count = server.Receive(batch); count > 0; count = server.Receive(batch))
            received += count;
        client.Send("one more, which carries the count");
        while (server.Receive(batch) == 0)
            Thread.Yield();

        Assert.InRange(received, 1, 999);
        Assert.Equal(1000 - received, server.Overflows);
    }

    private static void WaitUntilReadable(IDatagramPoller poller, IDatagramSocket socket)
    {
        socket.IsReadable = false;
        var deadline = DateTime.UtcNow + Eventually.Patience;
        while (!socket.IsReadable)
        {
            Assert.True(DateTime.UtcNow < deadline);
            poller.Wait(TimeSpan.FromSeconds(1));
        }
    }
}
