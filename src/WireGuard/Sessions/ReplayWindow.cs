namespace UdpGateway.WireGuard.Sessions;

/// <summary>
/// Which counters of one session were seen (paper §5.4.6, RFC 6479 with 8192 bits). The last 64 are kept inline; the
/// 1 KiB ring is taken only when a gap leaves the inline part, so clients that lose nothing never pay for it.
/// Without a ring every counter behind the inline part was seen.
/// </summary>
internal unsafe struct ReplayWindow
{
    private const int InlineBits = 64;
    private const int RingBits = 8192;
    public const int RingWords = RingBits / InlineBits;

    /// <summary>The oldest counter that is still told apart lies this far behind the greatest.</summary>
    private const ulong Reach = RingBits - InlineBits;

    /// <summary>One past the greatest counter seen.</summary>
    private ulong _next;

    /// <summary>Bit i: counter _next - 1 - i was seen. Counters below zero count as seen.</summary>
    private ulong _recent;

    private ulong* _ring;

    public static ReplayWindow Create() => new() { _recent = ulong.MaxValue };

    public readonly bool HasRing => _ring is not null;

    /// <summary>Whether the counter is new. Changes nothing, so it may be asked before the payload is opened.</summary>
    public readonly bool IsNew(ulong counter)
    {
        if (counter >= _next)
            return true;
        var age = _next - 1 - counter;
        if (age < InlineBits)
            return (_recent >> (int)age & 1) == 0;
        if (_ring is null || age > Reach)
            return false;
        return (_ring[WordOf(counter)] & BitOf(counter)) == 0;
    }

    /// <summary>Remembers a counter that <see cref="IsNew"/> accepted and whose payload opened.</summary>
    /// <param name="rings">When it has no ring left, what falls behind the inline part counts as seen.</param>
    public void Accept(ulong counter, ReplayRings rings)
    {
        if (counter < _next)
        {
            var age = _next - 1 - counter;
            if (age < InlineBits)
                _recent |= 1UL << (int)age;
            if (_ring is not null)
                _ring[WordOf(counter)] |= BitOf(counter);
            return;
        }

        var shift = counter - _next + 1;
        if (_ring is null && LeavesGap(shift))
            TakeRing(rings);
        if (_ring is not null)
            AdvanceRing(counter);
        _recent = shift >= InlineBits ? 1 : _recent << (int)shift | 1;
        _next = counter + 1;
    }

    public void Release(ReplayRings rings)
    {
        if (_ring is not null)
            rings.Return(_ring);
        this = default;
    }

    private static int WordOf(ulong counter) => (int)(counter / InlineBits % RingWords);

    private static ulong BitOf(ulong counter) => 1UL << (int)(counter % InlineBits);

    private readonly bool LeavesGap(ulong shift) =>
        shift > InlineBits || (shift == InlineBits ? _recent != ulong.MaxValue : ~_recent >> (int)(InlineBits - shift) != 0);

    private void TakeRing(ReplayRings rings)
    {
        if (!rings.TryTake(out _ring) || _next == 0)
            return;

        // Everything behind the inline part was seen; bits of counters still to come stay clear.
        var newest = _next - 1;
        new Span<ulong>(_ring, RingWords).Fill(ulong.MaxValue);
        _ring[WordOf(newest)] = ulong.MaxValue >> (int)(InlineBits - 1 - newest % InlineBits);
        for (ulong age = 0; age < InlineBits && age <= newest; age++)
        {
            if ((_recent >> (int)age & 1) == 0)
                _ring[WordOf(newest - age)] &= ~BitOf(newest - age);
        }
    }

    private readonly void AdvanceRing(ulong counter)
    {
        var from = _next == 0 ? 0 : (_next - 1) / InlineBits;
        var blocks = Math.Min(counter / InlineBits - from, RingWords);
        for (ulong i = 1; i <= blocks; i++)
            _ring[(from + i) % RingWords] = 0;
        _ring[WordOf(counter)] |= BitOf(counter);
    }
}
