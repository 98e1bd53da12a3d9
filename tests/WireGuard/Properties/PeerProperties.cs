using System.Net;
using FsCheck.Fluent;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.InnerPackets;
using UdpGateway.WireGuard.Peers;

namespace UdpGateway.WireGuard.Tests.Properties;

public sealed class PeerProperties
{
    private static readonly TimeSpan Tick = TimeSpan.FromMicroseconds(1 << 14);

    /// <summary>First outputs of the reference implementation of SipHash-2-4, 64 bits, for messages of 0, 1, 2 … bytes.</summary>
    private static readonly ulong[] SipHashOutputs =
    [
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    ];

    [Fact]
    public void Key_hash_is_SipHash_2_4()
    {
        var hash = new KeyHash(Bytes(16));

        for (var length = 0; length < SipHashOutputs.Length; length++)
            Assert.Equal(SipHashOutputs[length], hash.Compute(Bytes(length)));
        // Aumasson and Bernstein 2012, appendix A: the message of fifteen bytes.
        Assert.Equal(0xa129ca6149be45e5, hash.Compute(Bytes(15)));

        static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)i)];
    }

    [Fact]
    public void Peer_table_finds_exactly_what_a_dictionary_would()
    {
        var steps = Property.Together(Gen.Choose(0, 5), Gen.Choose(0, 400), Gen.Choose(-1, 1)).ArrayOf().Resize(600);

        Property.HoldsForSteps(steps, choices =>
        {
            using var table = new PeerTable(300, new KeyHash(new byte[16]));
            var model = new Dictionary<(int Key, int Tunnel), Model>();
            var queue = new List<(int Key, int Tunnel)>();
            foreach (var (action, key, namedPeer) in choices)
            {
                var id = (key / 2, key % 2);
                var slot = table.Find(KeyOf(id.Item1), id.Item2);
                Assert.Equal(model.ContainsKey(id), slot != PeerTable.None);
                if (slot == PeerTable.None)
                {
                    Assert.Equal(model.Count < 300, table.TryAddHalfOpen(KeyOf(id.Item1), id.Item2, namedPeer, out slot));
                    if (model.Count == 300)
                        continue;
                    model[id] = new Model(slot, new PeerId(slot, table[slot].Generation), namedPeer, IsConfirmed: false);
                    if (namedPeer == AllowedIPs.NoPeer)
                        queue.Add(id);
                }
                else if (action == 0)
                {
                    table.Remove(slot);
                    Assert.False(table.IsCurrent(model[id].Id));
                    model.Remove(id);
                    queue.Remove(id);
                }
                else if (action == 1 && !model[id].IsConfirmed)
                {
                    table.Confirm(slot);
                    model[id] = model[id] with { IsConfirmed = true };
                    queue.Remove(id);
                }
                else if (action == 2)
                {
                    table.Rename(slot, namedPeer);
                    if (!model[id].IsConfirmed && namedPeer != model[id].NamedPeer)
                    {
                        if (namedPeer != AllowedIPs.NoPeer)
                            queue.Remove(id);
                        else
                            queue.Add(id);
                    }

                    model[id] = model[id] with { NamedPeer = namedPeer };
                }

                Assert.Equal(model.Values.Count(peer => !peer.IsConfirmed), table.HalfOpenCount);
                Assert.Equal(model.Values.Count(peer => peer.IsConfirmed), table.ConfirmedCount);
                Assert.Equal(model.Values.Count(peer => peer is { IsConfirmed: true, NamedPeer: AllowedIPs.NoPeer }), table.UnknownConfirmedCount);
                Assert.Equal(queue.Count, table.UnknownHalfOpenCount);
                Assert.Equal(queue.Count == 0 ? PeerTable.None : model[queue[0]].Slot, table.OldestHalfOpen);
            }

            foreach (var (id, peer) in model)
            {
                Assert.Equal(peer.Slot, table.Find(KeyOf(id.Key), id.Tunnel));
                Assert.True(table.IsCurrent(peer.Id));
            }
        });

        static byte[] KeyOf(int number) => [.. BitConverter.GetBytes(number), .. new byte[28]];
    }

    [Fact]
    public void Endpoint_index_lists_exactly_those_who_are_there_the_latest_first()
    {
        // Enough peers that the index grows, and few endpoints, so that they share them.
        var steps = Property.Together(Gen.Choose(0, 2), Gen.Choose(0, 599), Gen.Choose(0, 40)).ArrayOf().Resize(1500);

        Property.HoldsForSteps(steps, choices =>
        {
            using var peers = new PeerTable(600, new KeyHash(new byte[16]));
            for (var i = 0; i < 600; i++)
                peers.TryAddHalfOpen([.. BitConverter.GetBytes(i), .. new byte[28]], 0, AllowedIPs.NoPeer, out _);
            var index = new EndpointIndex(peers, new KeyHash(new byte[16]));
            var model = Enumerable.Range(0, 41).Select(_ => new List<uint>()).ToArray();
            foreach (var (action, peer, place) in choices)
            {
                var slot = (uint)peer;
                var former = Array.Find(model, list => list.Contains(slot));
                if (former is not null)
                {
                    index.Remove(slot);
                    former.Remove(slot);
                    if (action == 0)
                        continue;
                }

                peers[slot].Endpoint = Place(place);
                index.Add(slot);
                model[place].Insert(0, slot);
            }

            for (var place = 0; place < model.Length; place++)
            {
                var found = new List<uint>();
                for (var slot = index.FirstAt(Place(place)); slot != PeerTable.None; slot = index.NextAfter(slot))
                    found.Add(slot);
                Assert.Equal(model[place], found);
            }
        }, runs: 100);

        static PeerEndpoint Place(int number) => new((ulong)(number % 3), (ulong)(number % 5), (ushort)(number % 7), (uint)(number / 35));
    }

    [Fact]
    public void Timer_wheel_takes_what_a_sorted_list_would_within_a_tick()
    {
        // What to do, with which peer, and how many milliseconds on.
        var delay = Gen.Frequency((4, Gen.Choose(0, 50)), (4, Gen.Choose(0, 5_000)), (2, Gen.Choose(0, 260_000)), (1, Gen.Choose(-500, 0)));
        var steps = Property.Together(Gen.Choose(0, 9), Gen.Choose(0, 19), delay).ArrayOf().Resize(400);

        Property.HoldsForSteps(steps, choices =>
        {
            using var peers = new PeerTable(20, new KeyHash(new byte[16]));
            for (byte i = 0; i < 20; i++)
                peers.TryAddHalfOpen([i, .. new byte[31]], 0, AllowedIPs.NoPeer, out _);
            var wheel = new TimerWheel(peers);
            var model = new Dictionary<uint, TimeSpan>();
            var now = TimeSpan.FromHours(1);
            foreach (var (action, peer, milliseconds) in choices)
            {
                var slot = (uint)peer;
                if (action < 5)
                {
                    var deadline = now + TimeSpan.FromMilliseconds(milliseconds);
                    wheel.Set(slot, deadline, now);
                    model[slot] = model.TryGetValue(slot, out var earlier) && earlier < deadline ? earlier : deadline;
                }
                else if (action < 6)
                {
                    wheel.Cancel(slot);
                    model.Remove(slot);
                }
                else
                {
                    now += TimeSpan.FromMilliseconds(Math.Max(milliseconds, 0));
                    var taken = new HashSet<uint>();
                    while (wheel.TryTake(now, out var due))
                        Assert.True(taken.Add(due));
                    Assert.All(taken, due => Assert.True(model[due] <= now));
                    foreach (var due in taken)
                        model.Remove(due);
                    Assert.All(model.Values, deadline => Assert.True(deadline > now - Tick));
                    Assert.True(wheel.NextDeadline > now);
                }

                Assert.Equal(model.Count == 0, wheel.NextDeadline == TimeSpan.MaxValue);
                if (model.Count > 0)
                    Assert.True(wheel.NextDeadline <= model.Values.Max() + Tick || wheel.NextDeadline <= now + Tick);
            }
        }, runs: 300);
    }

    [Fact]
    public void Timer_wheel_finds_a_deadline_beyond_its_reach_early_and_never_loses_it()
    {
        using var peers = new PeerTable(1, new KeyHash(new byte[16]));
        peers.TryAddHalfOpen(new byte[32], 0, AllowedIPs.NoPeer, out var slot);
        var wheel = new TimerWheel(peers);
        var (now, deadline) = (TimeSpan.FromHours(1), TimeSpan.FromHours(2));
        var rounds = 0;

        wheel.Set(slot, deadline, now);
        for (; now < deadline; rounds++)
        {
            now = wheel.NextDeadline;
            Assert.True(wheel.TryTake(now, out var taken));
            Assert.Equal(slot, taken);
            if (now < deadline)
                wheel.Set(slot, deadline, now);
        }

        Assert.InRange(now - deadline, TimeSpan.Zero, Tick);
        Assert.InRange(rounds, 10, 20);
    }

    [Fact]
    public void Rate_limiter_lets_through_what_one_token_bucket_for_each_source_would()
    {
        // A token is worth 50 milliseconds of waiting, and a bucket holds five.
        const int Token = 50;
        const int Full = 5 * Token;
        var steps = Gen.Choose(0, 5).Zip(Gen.Frequency((5, Gen.Constant(0)), (5, Gen.Choose(0, 60)), (1, Gen.Choose(0, 400)))).ArrayOf().Resize(300);

        Property.HoldsForSteps(steps, choices =>
        {
            var limiter = new SourceRateLimiter(new KeyHash(new byte[16]));
            var levels = Enumerable.Repeat(Full, 6).ToArray();
            var now = TimeSpan.FromHours(1);
            foreach (var (source, milliseconds) in choices)
            {
                now += TimeSpan.FromMilliseconds(milliseconds);
                for (var i = 0; i < levels.Length; i++)
                    levels[i] = Math.Min(Full, levels[i] + milliseconds);
                var expected = levels[source] >= Token;
                if (expected)
                    levels[source] -= Token;
                Assert.Equal(expected, limiter.TryTake(PeerEndpoint.FromIPv4([198, 51, 100, (byte)source], 7), now));
            }
        }, runs: 300);
    }

    [Fact]
    public void Rate_limiter_refuses_sources_for_which_it_has_no_room_until_others_have_recovered()
    {
        const int Room = 65_536;
        var limiter = new SourceRateLimiter(new KeyHash(new byte[16]));
        var now = TimeSpan.FromHours(1);

        var accepted = Enumerable.Range(0, 400_000).Count(i => limiter.TryTake(Network(i), now));
        now += TimeSpan.FromMilliseconds(50);

        Assert.InRange(accepted, Room * 9 / 10, Room);
        Assert.True(limiter.TryTake(Network(-1), now));

        static PeerEndpoint Network(int number) => new(0x2001_0db8_0000_0000UL | (uint)number, 1, 7);
    }

    [Fact]
    public void Owner_of_an_inner_source_is_the_one_that_a_search_through_all_prefixes_finds()
    {
        // Few distinct bits, so that prefixes nest and addresses hit them.
        var address = Gen.Choose(0, 0xffff).Select(bits => (uint)((bits & 0xff) << 24 | bits >> 8));
        var prefix = Property.Together(address, Gen.Choose(1, 32), Gen.Choose(0, 9));
        var prefixes = prefix.ArrayOf().Resize(40);
        var isIPv6 = Gen.Choose(0, 1);

        Property.Holds(Property.Together(prefixes, address.ArrayOf(50), isIPv6), values =>
        {
            var (table, addresses, version) = values;
            var (width, longer) = version == 0 ? (32, 0) : (128, 96);
            var networks = new Dictionary<(UInt128 Base, int Length), int>();
            var peers = Enumerable.Range(0, 10).Select(_ => new List<IPNetwork>()).ToList();
            // A prefix that two peers claim belongs to the later one in the list of peers.
            foreach (var (bits, length, peer) in table.OrderBy(entry => entry.Item3))
            {
                var prefixLength = length + (length % 3 == 0 ? longer : 0);
                var value = Widen(bits, width) & (UInt128.MaxValue << (width - prefixLength));
                networks[(value, prefixLength)] = peer;
                peers[peer].Add(new IPNetwork(ToAddress(value, width), prefixLength));
            }

            var allowedIPs = new AllowedIPs([.. peers.Select(list => new NamedPeer { PublicKey = new byte[32], AllowedIPs = list })]);
            foreach (var source in addresses.Select(bits => Widen(bits, width)).Concat(networks.Keys.Select(key => key.Base)))
            {
                var expected = networks
                    .Where(network => (source & (UInt128.MaxValue << (width - network.Key.Length))) == network.Key.Base)
                    .OrderByDescending(network => network.Key.Length)
                    .Select(network => network.Value)
                    .FirstOrDefault(AllowedIPs.NoPeer);
                Assert.Equal(expected, allowedIPs.FindOwner(ToAddress(source, width).GetAddressBytes()));
            }
        }, runs: 300);

        static UInt128 Widen(uint bits, int width) => width == 32 ? bits : (UInt128)bits << 96 | bits;

        static IPAddress ToAddress(UInt128 value, int width)
        {
            var bytes = new byte[16];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
            return new IPAddress(bytes.AsSpan(16 - (width / 8)));
        }
    }

    private sealed record Model(uint Slot, PeerId Id, int NamedPeer, bool IsConfirmed);
}
