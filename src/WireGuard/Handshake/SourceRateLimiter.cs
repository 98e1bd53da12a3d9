using System.Buffers.Binary;
using UdpGateway.WireGuard.Peers;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>
/// A token bucket per source, asked only under load: 20 handshakes a second with bursts of 5, per IPv4 address or per
/// IPv6 /64. Its size is fixed; a source for which there is no room is refused.
/// </summary>
internal sealed class SourceRateLimiter(KeyHash hash)
{
    private const int Ways = 4;
    private const int Sets = 16_384;
    private const int Burst = 5;
    private static readonly TimeSpan Cost = TimeSpan.FromMilliseconds(50);

    /// <summary>Made on the first call: most gateways are never under load.</summary>
    private Bucket[]? _buckets;

    public bool TryTake(in PeerEndpoint source, TimeSpan now)
    {
        _buckets ??= new Bucket[Sets * Ways];
        // An IPv4 address lies in Low behind its mapped prefix; an IPv6 network is High, which is 0 only for mapped ones.
        var network = source.IsIPv4 ? source.Low : source.High;
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, network);
        var set = _buckets.AsSpan((int)(hash.Compute(bytes) % Sets) * Ways, Ways);
        foreach (ref var bucket in set)
        {
            if (bucket.InUse && bucket.Network == network)
                return bucket.TryTake(now);
        }

        foreach (ref var bucket in set)
        {
            // A bucket that is full again says nothing any more, so another source may have it.
            if (bucket.InUse && now < bucket.FullAt)
                continue;
            bucket = new Bucket { InUse = true, Network = network, FullAt = now };
            return bucket.TryTake(now);
        }

        return false;
    }

    private struct Bucket
    {
        public ulong Network;

        /// <summary>When all tokens will be back; each token taken moves it by <see cref="Cost"/>.</summary>
        public TimeSpan FullAt;

        public bool InUse;

        public bool TryTake(TimeSpan now)
        {
            var full = FullAt > now ? FullAt : now;
            if (full - now > Cost * (Burst - 1))
                return false;
            FullAt = full + Cost;
            return true;
        }
    }
}
