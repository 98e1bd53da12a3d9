using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using UdpGateway.WireGuard;
using UdpGateway.WireGuard.Peers;
using UdpGateway.WireGuard.Sessions;

namespace UdpGateway.Benchmarks;

/// <summary>Memory of idle confirmed peers, each made by a real handshake on a virtual clock.</summary>
internal static partial class PeerMemory
{
    private const int BytesPerPeer = 320;

    /// <summary>Peers that exist before the first look, so that what every engine has once is not counted.</summary>
    private const int WarmUp = 8_192;

    private const int Looks = 8;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(100);

    private const int ClientsPerLane = 512;

    /// <returns>Whether a peer takes no more than it may, everything included.</returns>
    public static bool Check(TextWriter output, int count)
    {
        using var crypto = CryptoBackends.CreateBest();
        using var fleet = new PeerFleet(crypto);
        var lanes = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Lane(fleet)).ToArray();
        var started = Stopwatch.GetTimestamp();
        ConnectUntil(fleet, lanes, WarmUp);
        var first = fleet.Engine.PeerCount;
        var before = SettledResidentBytes();
        ConnectUntil(fleet, lanes, count);
        var last = fleet.Engine.PeerCount;
        var after = SettledResidentBytes();
        var search = SearchTime(fleet, lanes);
        foreach (var lane in lanes)
            lane.Dispose();

        var resident = (double)(after - before) / (last - first);
        var owned = OwnedBytes(last);
        var isWithin = resident <= BytesPerPeer && owned <= BytesPerPeer;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(isWithin ? "within" : "ABOVE")} budget: {owned:F0} bytes of records and tables per peer, {resident:F0} resident, {BytesPerPeer} allowed; {last} confirmed peers, {fleet.Engine.SessionCount} sessions, one found by its endpoint in {search.TotalNanoseconds:F0} ns, {Environment.WorkingSet >> 20} MiB resident in all, {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s"));
        return isWithin;
    }

    /// <summary>
    /// A peer's record, its session's, and its share of the tables, which double: what the resident bytes should come to.
    /// They could miss what is kept elsewhere; resident bytes are too few when freed memory is used again. Both are held to the bound.
    /// </summary>
    private static double OwnedBytes(int peers) =>
        Unsafe.SizeOf<Peer>() + Unsafe.SizeOf<Session>() + ((double)BitOperations.RoundUpToPowerOf2((uint)peers) * (sizeof(uint) + sizeof(uint) + sizeof(ushort)) / peers);

    /// <summary>For a client that connected last, whose session is therefore not over.</summary>
    private static TimeSpan SearchTime(PeerFleet fleet, Lane[] lanes)
    {
        var endpoints = lanes.SelectMany(lane => lane.Sources).ToArray();
        var started = Stopwatch.GetTimestamp();
        foreach (var endpoint in endpoints)
        {
            if (!fleet.Engine.TryFindPeer(endpoint, fleet.Now, out _))
                throw new InvalidOperationException("A peer is not found where it is.");
        }

        return Stopwatch.GetElapsedTime(started) / endpoints.Length;
    }

    /// <summary>The clients' half of the arithmetic runs on all cores, the engine's on one.</summary>
    private static void ConnectUntil(PeerFleet fleet, Lane[] lanes, int count)
    {
        while (fleet.Engine.PeerCount < count)
        {
            Parallel.ForEach(lanes, lane => lane.Initiate());
            foreach (var lane in lanes)
                lane.Exchange();
            Parallel.ForEach(lanes, lane => lane.Confirm());
            foreach (var lane in lanes)
                lane.Exchange();
            // A thousand handshakes take a virtual second, so that the first sessions of a long run expire while the last peers come.
            fleet.Now += TimeSpan.FromMilliseconds(ClientsPerLane * lanes.Length);
        }
    }

    /// <summary>
    /// What stays when garbage and what the C library keeps of freed memory are gone. The least of several looks: the
    /// runtime gives memory back, and compiles, when it likes.
    /// </summary>
    private static long SettledResidentBytes()
    {
        var least = long.MaxValue;
        for (var i = 0; i < Looks; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            if (OperatingSystem.IsLinux())
                _ = TrimHeap(0);
            Thread.Sleep(BetweenLooks);
            least = Math.Min(least, ResidentBytes());
        }

        return least;
    }

    /// <summary>On Linux without the pages of files, which come and go with code that happens to run.</summary>
    private static long ResidentBytes()
    {
        const string Anonymous = "RssAnon:";
        if (!OperatingSystem.IsLinux())
            return Environment.WorkingSet;
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(Anonymous, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Anonymous.Length).TrimEnd("kB"), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) * 1024;
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nuint padding);

    /// <summary>Clients of one thread at a time, which share its cryptography and the engine's virtual clock.</summary>
    private sealed class Lane(PeerFleet fleet) : IDisposable
    {
        private const int Room = 160;

        private readonly ICryptoBackend _crypto = CryptoBackends.CreateBest();
        private readonly WireGuardClient[] _clients = new WireGuardClient[ClientsPerLane];
        private readonly byte[] _datagrams = new byte[ClientsPerLane * Room];
        private readonly int[] _lengths = new int[ClientsPerLane];
        private readonly PeerEndpoint[] _sources = new PeerEndpoint[ClientsPerLane];

        public IEnumerable<PeerEndpoint> Sources => _sources;

        public void Initiate()
        {
            for (var i = 0; i < ClientsPerLane; i++)
            {
                using var key = new SecretKey(RandomNumberGenerator.GetBytes(SecretKey.Size));
                _clients[i] = fleet.NewClient(key, _crypto);
                _sources[i] = PeerEndpoint.FromIPv4(RandomNumberGenerator.GetBytes(4), (ushort)RandomNumberGenerator.GetInt32(1, ushort.MaxValue));
                _clients[i].Connect(fleet.Now);
                Take(i);
            }
        }

        public void Confirm()
        {
            for (var i = 0; i < ClientsPerLane; i++)
            {
                using var client = _clients[i];
                client.Receive(Datagram(i), fleet.Now, out _, out _);
                Take(i);
            }
        }

        /// <summary>Gives the engine each datagram and keeps its answer in the same place.</summary>
        public void Exchange()
        {
            Span<byte> reply = stackalloc byte[WireGuardEngine.MaxReplySize];
            for (var i = 0; i < ClientsPerLane; i++)
            {
                var result = fleet.Engine.Receive(Datagram(i), _sources[i], fleet.Now, reply);
                if (result.Verdict is not (ReceiveVerdict.InitiationAnswered or ReceiveVerdict.Keepalive))
                    throw new InvalidOperationException($"A handshake ended with {result.Verdict}.");
                reply[..result.ReplyLength].CopyTo(_datagrams.AsSpan(i * Room));
                _lengths[i] = result.ReplyLength;
            }
        }

        public void Dispose() => _crypto.Dispose();

        private Span<byte> Datagram(int i) => _datagrams.AsSpan(i * Room, _lengths[i]);

        private void Take(int i)
        {
            if (!_clients[i].TryTakeDatagram(fleet.Now, DateTimeOffset.UnixEpoch + fleet.Now, _datagrams.AsSpan(i * Room, Room), out _lengths[i]))
                throw new InvalidOperationException("The client has nothing to send.");
        }
    }
}
