using System.Net;
using System.Security.Cryptography;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners.Expressions;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests;

/// <summary>The budget of the packet path: not one byte of managed memory per packet on the worker's thread.</summary>
public sealed class AllocationTests
{
    private const int Rounds = 50;
    private const int PacketsPerRound = 1000;

    private static readonly PeerEndpoint Source = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, 40_000));

    [Fact]
    public void A_plain_packet_allocates_nothing()
    {
        using var driver = new PacketPathDriver();
        var datagram = new byte[200];

        var allocated = Measure(driver, () => driver.Process(datagram, Source));

        Assert.Equal(0, allocated);
        Assert.Equal(0, driver.Drops);
    }

    [Fact]
    public void A_packet_that_passes_a_filter_allocates_nothing()
    {
        Assert.True(Expression.TryParse("[0] == 0xFD && u16le[2] > 3 && [9] == 0x00 ?? 0x01", out var filter, out _));
        using var driver = new PacketPathDriver(filter: filter);
        var datagram = Convert.FromHexString("FD00040000000000000000");

        var allocated = Measure(driver, () => driver.Process(datagram, Source));

        Assert.Equal(0, allocated);
        Assert.Equal(0, driver.Drops);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_packet_of_a_tunnel_allocates_nothing(bool decapsulates)
    {
        using var tunnel = new TunnelUnderTest(decapsulates);
        var datagrams = tunnel.SealMany(Rounds * PacketsPerRound);
        var next = 0;

        var allocated = Measure(tunnel.Driver, () => tunnel.Driver.Process(datagrams[next++], Source));

        Assert.Equal(0, allocated);
        Assert.Equal(0, tunnel.Driver.Drops);
    }

    [Theory]
    [MemberData(nameof(TestGateway.Backends), MemberType = typeof(TestGateway))]
    public async Task A_packet_through_real_sockets_and_its_reply_allocate_nothing_on_the_worker(SocketBackend backend)
    {
        await using var gateway = await TestGateway.StartAsync(backend);
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 50, seconds: 0.02)));
        using var client = new UdpTestClient(record.Port);
        var allocated = long.MaxValue;
        for (var round = 0; round < Rounds && allocated > 0; round++)
        {
            var before = gateway.Host.Workers.Sum(worker => worker.AllocatedBytes);
            for (var i = 0; i < 10; i++)
                await ExchangeAsync(client, 50);
            allocated = gateway.Host.Workers.Sum(worker => worker.AllocatedBytes) - before;
        }

        Assert.Equal(0, allocated);
    }

    private static async Task ExchangeAsync(UdpTestClient client, int packets)
    {
        for (var i = 0; i < packets; i++)
            client.Send("0123456789"u8);
        for (var i = 0; i < packets; i++)
            await client.ReceiveAsync();
    }

    /// <summary>
    /// Rounds until one allocates nothing: what the runtime and the pools do once, or when a busy machine lets the
    /// destination fall behind, is not per packet. What is per packet shows in every round.
    /// </summary>
    private static long Measure(PacketPathDriver driver, Action packet)
    {
        var allocated = long.MaxValue;
        for (var round = 1; round <= Rounds && allocated > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < PacketsPerRound; i++)
                packet();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            driver.Flush();
            Assert.True(SpinWait.SpinUntil(() => driver.Delivered == round * PacketsPerRound, Eventually.Patience), "Every packet reaches the destination.");
        }

        return allocated;
    }

    /// <summary>A driver with an established session, and its client.</summary>
    private sealed class TunnelUnderTest : IDisposable
    {
        private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
        private readonly WireGuardClient _client;

        public TunnelUnderTest(bool decapsulates)
        {
            var serverKey = WireGuardTestKeys.NewPrivateKey();
            Driver = new PacketPathDriver(
                new TunnelConfiguration { TunnelId = 0, PrivateKeys = [new SecretKey(serverKey)], AllowUnknownPeers = true }, decapsulates: decapsulates);
            _client = new WireGuardClient(
                new SecretKey(WireGuardTestKeys.NewPrivateKey()), Convert.FromBase64String(WireGuardTestKeys.PublicKeyOf(serverKey)), null, _crypto, RandomNumberGenerator.Fill);
            Connect();
        }

        public PacketPathDriver Driver { get; }

        public List<byte[]> SealMany(int count)
        {
            var datagrams = new List<byte[]>(count);
            var buffer = new byte[2048];
            for (var i = 0; i < count; i++)
            {
                _client.Send(new byte[200], pad: false, Driver.Now);
                while (_client.TryTakeDatagram(Driver.Now, DateTimeOffset.UtcNow, buffer, out var length))
                    datagrams.Add(buffer[..length]);
            }

            return datagrams;
        }

        public void Dispose()
        {
            Driver.Dispose();
            _client.Dispose();
            _crypto.Dispose();
        }

        private void Connect()
        {
            var buffer = new byte[2048];
            var reply = new byte[WireGuardEngine.MaxReplySize];
            _client.Send("hello"u8, pad: false, Driver.Now);
            Assert.True(_client.TryTakeDatagram(Driver.Now, DateTimeOffset.UtcNow, buffer, out var length));
            var answer = Driver.Engine.Receive(buffer.AsSpan(0, length), Source, Driver.Now, reply);
            Assert.Equal(ReceiveVerdict.InitiationAnswered, answer.Verdict);
            _client.Receive(reply.AsSpan(0, answer.ReplyLength), Driver.Now, out _, out _);
            while (_client.TryTakeDatagram(Driver.Now, DateTimeOffset.UtcNow, buffer, out length))
                Assert.Equal(ReceiveVerdict.Data, Driver.Engine.Receive(buffer.AsSpan(0, length), Source, Driver.Now, reply).Verdict);
        }
    }
}
