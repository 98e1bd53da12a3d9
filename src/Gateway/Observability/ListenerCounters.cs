namespace UdpGateway.Gateway.Observability;

/// <summary>
/// What one worker counts for one listener. Plain numbers: only that worker adds to them, and a scrape reads them as
/// they are (aligned 64-bit reads do not tear on the platforms of .NET 10). Drops that other threads find have a
/// table of their own.
/// </summary>
internal sealed class ListenerCounters
{
    private readonly long[] _drops = new long[DropReasons.Count];
    private readonly long[] _replyDrops = new long[DropReasons.Count];
    private long _relayed;

    public long PacketsReceived { get; private set; }

    public long BytesReceived { get; private set; }

    public long PacketsSent { get; private set; }

    public long BytesSent { get; private set; }

    /// <summary>Initiations that got a response.</summary>
    public long HandshakesAnswered { get; set; }

    /// <summary>Initiations that got a cookie.</summary>
    public long HandshakesCookieReplied { get; set; }

    /// <summary>Handshakes that the client's first transport packet confirmed.</summary>
    public long HandshakesCompleted { get; set; }

    /// <summary>Answered initiations of keys that had not confirmed the two responses before either.</summary>
    public long HandshakesUnconfirmed { get; set; }

    /// <summary>Packets of packet sources that left through a session or socket of this worker.</summary>
    public long PacketsPushed { get; set; }

    /// <summary>Packets of packet sources that another task of the fleet sent.</summary>
    public long PacketsRelayed => Volatile.Read(ref _relayed);

    /// <summary>Gauges, published once per turn of the worker.</summary>
    public int ConfirmedPeers { get; set; }

    public int HalfOpenPeers { get; set; }

    public void Received(int bytes)
    {
        PacketsReceived++;
        BytesReceived += bytes;
    }

    public void Sent(int packets, long bytes)
    {
        PacketsSent += packets;
        BytesSent += bytes;
    }

    /// <summary>On the worker's thread.</summary>
    public void Drop(DropReason reason, long packets = 1) => _drops[(int)reason] += packets;

    /// <summary>On any other thread.</summary>
    public void DropReply(DropReason reason, long replies) => Interlocked.Add(ref _replyDrops[(int)reason], replies);

    /// <summary>On any thread.</summary>
    public void CountRelayed(long packets) => Interlocked.Add(ref _relayed, packets);

    public long Drops(DropReason reason) => Volatile.Read(ref _drops[(int)reason]) + Volatile.Read(ref _replyDrops[(int)reason]);
}
