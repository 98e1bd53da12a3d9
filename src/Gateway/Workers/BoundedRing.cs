using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace UdpGateway.Gateway.Workers;

/// <summary>
/// A bounded queue for any number of writers and readers without a lock and without allocation: each cell carries the
/// turn in which it may be written or read (D. Vyukov's bounded queue).
/// </summary>
internal sealed class BoundedRing<T>
{
    private readonly Cell[] _cells;
    private readonly int _mask;
    private RingPositions _positions;

    /// <param name="capacity">Rounded up to a power of two.</param>
    public BoundedRing(int capacity)
    {
        _cells = new Cell[BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 2))];
        _mask = _cells.Length - 1;
        for (var i = 0; i < _cells.Length; i++)
            _cells[i].Turn = i;
    }

    public bool IsEmpty => Volatile.Read(ref _positions.Read) == Volatile.Read(ref _positions.Write);

    public bool TryEnqueue(in T item)
    {
        var position = Volatile.Read(ref _positions.Write);
        while (true)
        {
            ref var cell = ref _cells[(int)position & _mask];
            var difference = Volatile.Read(ref cell.Turn) - position;
            if (difference < 0)
                return false;
            if (difference > 0)
            {
                position = Volatile.Read(ref _positions.Write);
                continue;
            }

            var seen = Interlocked.CompareExchange(ref _positions.Write, position + 1, position);
            if (seen == position)
            {
                cell.Item = item;
                Volatile.Write(ref cell.Turn, position + 1);
                return true;
            }

            position = seen;
        }
    }

    public bool TryDequeue(out T item)
    {
        var position = Volatile.Read(ref _positions.Read);
        while (true)
        {
            ref var cell = ref _cells[(int)position & _mask];
            var difference = Volatile.Read(ref cell.Turn) - (position + 1);
            if (difference < 0)
            {
                item = default!;
                return false;
            }

            if (difference > 0)
            {
                position = Volatile.Read(ref _positions.Read);
                continue;
            }

            var seen = Interlocked.CompareExchange(ref _positions.Read, position + 1, position);
            if (seen == position)
            {
                item = cell.Item;
                if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
                    cell.Item = default!;
                Volatile.Write(ref cell.Turn, position + _mask + 1);
                return true;
            }

            position = seen;
        }
    }

    private struct Cell
    {
        public long Turn;
        public T Item;
    }
}

/// <summary>On cache lines of their own, so that writers and the reader do not slow each other.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct RingPositions
{
    [FieldOffset(64)]
    public long Write;

    [FieldOffset(128)]
    public long Read;
}
