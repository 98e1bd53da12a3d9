using System.Numerics;

namespace UdpGateway.WireGuard.Peers;

/// <summary>
/// One deadline per peer, however many peers there are: a ring of 16 ms ticks that reaches beyond the longest timer.
/// A peer is taken within a tick after its deadline; one whose deadline moved later is found early and put on again,
/// so postponing costs nothing.
/// </summary>
internal sealed class TimerWheel
{
    private const int TickBits = 14; // of microseconds
    private const int Slots = 16_384;

    private readonly PeerTable _peers;
    private readonly uint[] _heads = new uint[Slots];
    private readonly ulong[] _occupied = new ulong[Slots / 64];
    private int _count;
    private long _tick;

    public TimerWheel(PeerTable peers)
    {
        _peers = peers;
        _heads.AsSpan().Fill(PeerTable.None);
    }

    /// <summary>When <see cref="TryTake"/> can next give something; MaxValue for never.</summary>
    public TimeSpan NextDeadline => _count == 0 ? TimeSpan.MaxValue : TimeOf(NextOccupied());

    /// <summary>Makes sure that the peer is taken no later than a tick after the deadline.</summary>
    public void Set(uint slot, TimeSpan deadline, TimeSpan now)
    {
        ref var peer = ref _peers[slot];
        if (peer.HasTimer)
        {
            if (peer.Deadline <= deadline)
                return;
            Cancel(slot);
        }

        if (_count == 0)
            _tick = TickOf(now);
        peer.Deadline = TimeSpan.FromTicks(Math.Min(deadline.Ticks, TimeOf(_tick + Slots - 2).Ticks));
        peer.HasTimer = true;
        var position = PositionOf(peer.Deadline);
        ref var head = ref _heads[position];
        peer.TimerPrevious = PeerTable.None;
        peer.TimerNext = head;
        if (head != PeerTable.None)
            _peers[head].TimerPrevious = slot;
        head = slot;
        _occupied[position / 64] |= 1UL << (position % 64);
        _count++;
    }

    public void Cancel(uint slot)
    {
        ref var peer = ref _peers[slot];
        if (!peer.HasTimer)
            return;
        peer.HasTimer = false;
        _count--;
        if (peer.TimerNext != PeerTable.None)
            _peers[peer.TimerNext].TimerPrevious = peer.TimerPrevious;
        if (peer.TimerPrevious != PeerTable.None)
        {
            _peers[peer.TimerPrevious].TimerNext = peer.TimerNext;
            return;
        }

        var position = PositionOf(peer.Deadline);
        _heads[position] = peer.TimerNext;
        if (peer.TimerNext == PeerTable.None)
            _occupied[position / 64] &= ~(1UL << (position % 64));
    }

    /// <summary>Takes one peer whose deadline has come off the wheel.</summary>
    public bool TryTake(TimeSpan now, out uint slot)
    {
        var last = TickOf(now);
        slot = PeerTable.None;
        if (_count == 0)
            return false;
        // Every peer of a tick is taken before the ring moves on, so a peer's place follows from its deadline.
        var next = NextOccupied();
        if (next > last)
        {
            _tick = Math.Max(_tick, last);
            return false;
        }

        _tick = next;
        slot = _heads[_tick % Slots];
        Cancel(slot);
        return true;
    }

    private static long TickOf(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond >> TickBits;

    private static TimeSpan TimeOf(long tick) => TimeSpan.FromTicks((tick << TickBits) * TimeSpan.TicksPerMicrosecond);

    /// <summary>The tick after the deadline, so that it has surely come; one in the past goes to the tick looked at next.</summary>
    private int PositionOf(TimeSpan deadline) => (int)(Math.Max(TickOf(deadline) + 1, _tick) % Slots);

    private long NextOccupied()
    {
        for (var distance = 0; ;)
        {
            var position = (int)((_tick + distance) % Slots);
            var rest = _occupied[position / 64] >> (position % 64);
            if (rest != 0)
                return _tick + distance + BitOperations.TrailingZeroCount(rest);
            distance += 64 - position % 64;
        }
    }
}
