using System.Numerics;

namespace UdpGateway.WireGuard.Sessions;

/// <summary>
/// The engine's sessions, found by receiver index in O(1): the index is generation, owning worker and slot behind a
/// keyed permutation. A slot that was reused has another generation, so late packets of a dead session find nothing.
/// </summary>
internal sealed class SessionTable : IDisposable
{
    public const uint None = NativeSlab<Session>.None;

    private const int IndexBits = 32;

    private readonly NativeSlab<Session> _sessions;
    private readonly SessionIndexCipher _cipher;
    private readonly int _slotBits;
    private readonly int _workerBits;
    private readonly uint _worker;

    /// <summary>Set in the generation of a slot that is in use.</summary>
    private const ushort Live = 1 << 15;

    /// <summary>Beside the records, so that a packet with an unknown index touches one small array only.</summary>
    private ushort[] _generations = new ushort[64];

    /// <summary>The index that was decrypted last ahead of its packet, with what it stands for; a permutation never changes its mind.</summary>
    private uint _foreseen;
    private uint _foreseenPlain;

    public SessionTable(uint capacity, int maxReplayRings, int worker, int workers, SessionIndexCipher cipher)
    {
        Rings = new ReplayRings(maxReplayRings);
        _sessions = new NativeSlab<Session>(capacity);
        _cipher = cipher;
        _slotBits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2(capacity));
        _workerBits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)workers));
        _worker = (uint)worker;
        _foreseenPlain = cipher.Decrypt(_foreseen);
    }

    private int GenerationMask => ((1 << (IndexBits - _slotBits - _workerBits)) - 1) & ~Live;

    public ReplayRings Rings { get; }

    public int Count => (int)_sessions.Count;

    public ref Session this[uint slot] => ref _sessions[slot];

    /// <summary>Starts to fetch the session of a packet that will be looked up soon.</summary>
    public void Prefetch(uint index)
    {
        (_foreseen, _foreseenPlain) = (index, _cipher.Decrypt(index));
        var slot = _foreseenPlain & ((1u << _slotBits) - 1);
        if (slot < _sessions.End)
            _sessions.Prefetch(slot);
    }

    public bool TryAdd(out uint slot, out uint index)
    {
        index = 0;
        if (!_sessions.TryTake(out slot))
            return false;
        if (slot >= _generations.Length)
            Array.Resize(ref _generations, _generations.Length * 2);
        index = _cipher.Encrypt((uint)_generations[slot] << (_slotBits + _workerBits) | _worker << _slotBits | slot);
        _generations[slot] |= Live;
        return true;
    }

    /// <summary>False when no session of this worker has the index; <paramref name="worker"/> tells whose it would be.</summary>
    public bool TryFind(uint index, out uint slot, out int worker)
    {
        var plain = index == _foreseen ? _foreseenPlain : _cipher.Decrypt(index);
        slot = plain & ((1u << _slotBits) - 1);
        worker = (int)(plain >> _slotBits & ((1u << _workerBits) - 1));
        return worker == _worker
            && slot < _sessions.End
            && _generations[slot] == (Live | plain >> (_slotBits + _workerBits));
    }

    public void Remove(uint slot)
    {
        _sessions[slot].Release(Rings);
        _sessions.Free(slot);
        _generations[slot] = (ushort)(_generations[slot] + 1 & GenerationMask);
    }

    public void Dispose()
    {
        for (uint slot = 0; slot < _sessions.End; slot++)
        {
            if ((_generations[slot] & Live) != 0)
                _sessions[slot].Release(Rings);
        }

        _sessions.Dispose();
        Rings.Dispose();
    }
}
