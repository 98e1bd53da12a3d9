using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace UdpGateway.WireGuard.Sessions;

/// <summary>
/// Records in native memory, found by slot number. Records never move, so secrets in them are not copied behind our
/// back; a freed record is zeroed. Memory grows by chunks with use and is bounded by the capacity.
/// </summary>
internal sealed unsafe class NativeSlab<T> : IDisposable
    where T : unmanaged
{
    private const int ChunkBits = 10;
    private const uint ChunkSize = 1u << ChunkBits;
    private const int CacheLine = 64;

    private readonly T*[] _chunks;
    private readonly uint _capacity;
    private uint[] _free = new uint[64];
    private int _freeCount;
    private uint _used;

    public NativeSlab(uint capacity)
    {
        _capacity = capacity;
        _chunks = new T*[(capacity + ChunkSize - 1) >> ChunkBits];
    }

    public const uint None = uint.MaxValue;

    public uint Count => _used - (uint)_freeCount;

    /// <summary>One past the highest slot ever used.</summary>
    public uint End => _used;

    public ref T this[uint slot] => ref _chunks[slot >> ChunkBits][slot & (ChunkSize - 1)];

    public bool TryTake(out uint slot)
    {
        if (_freeCount > 0)
        {
            slot = _free[--_freeCount];
            return true;
        }

        slot = _used;
        if (slot == _capacity)
            return false;
        if ((slot & (ChunkSize - 1)) == 0)
            _chunks[slot >> ChunkBits] = AllocateChunk();
        _used++;
        return true;
    }

    public void Free(uint slot)
    {
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(new Span<T>(ref this[slot])));
        if (_freeCount == _free.Length)
            Array.Resize(ref _free, _free.Length * 2);
        _free[_freeCount++] = slot;
    }

    /// <summary>Asks the processor for a record that is needed after the work at hand.</summary>
    public void Prefetch(uint slot)
    {
        if (!Sse.IsSupported)
            return;
        var record = (byte*)(_chunks[slot >> ChunkBits] + (slot & (ChunkSize - 1)));
        for (var line = 0; line < sizeof(T) && line < 2 * CacheLine; line += CacheLine)
            Sse.Prefetch0(record + line);
    }

    public void Dispose()
    {
        for (var i = 0; i < _chunks.Length; i++)
        {
            if (_chunks[i] is null)
                continue;
            CryptographicOperations.ZeroMemory(new Span<byte>(_chunks[i], (int)ChunkSize * sizeof(T)));
            NativeMemory.AlignedFree(_chunks[i]);
            _chunks[i] = null;
        }

        _used = 0;
        _freeCount = 0;
    }

    private static T* AllocateChunk()
    {
        var size = ChunkSize * (nuint)sizeof(T);
        var chunk = NativeMemory.AlignedAlloc(size, CacheLine);
        NativeMemory.Clear(chunk, size);
        return (T*)chunk;
    }
}
