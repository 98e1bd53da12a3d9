using System.Buffers;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Packets;

/// <summary>The packets of a batch one by one, encoded into rented memory that is valid until this is disposed.</summary>
internal sealed class EncodedPackets : IDisposable
{
    private readonly PooledBuffer _bytes;
    private readonly int[] _ends;

    private EncodedPackets(int count, long expectedSize)
    {
        _bytes = new PooledBuffer((int)Math.Min(expectedSize, Array.MaxLength));
        _ends = new int[count];
    }

    public int Count => _ends.Length;

    public ReadOnlyMemory<byte> All => _bytes.WrittenMemory;

    public ReadOnlyMemory<byte> this[int index]
    {
        get
        {
            var start = index == 0 ? 0 : _ends[index - 1];
            return _bytes.WrittenMemory[start.._ends[index]];
        }
    }

    /// <summary>Each as its request packet.</summary>
    /// <param name="lines">Whether each ends with a line feed.</param>
    public static EncodedPackets AsJson(PacketBatch batch, RequestPacketWriter writer, bool lines = false)
    {
        var packets = new EncodedPackets(batch.Count, batch.EncodedSize);
        using var texts = writer.Start(packets._bytes, batch);
        for (var index = 0; index < batch.Count; index++)
        {
            texts.Write(index);
            if (lines)
            {
                packets._bytes.GetSpan(1)[0] = (byte)'\n';
                packets._bytes.Advance(1);
            }

            packets._ends[index] = packets._bytes.Written;
        }

        return packets;
    }

    /// <summary>Each as nothing but its payload in the destination's formatter.</summary>
    public static EncodedPackets AsText(PacketBatch batch, PayloadFormatter formatter)
    {
        var packets = new EncodedPackets(batch.Count, batch.EncodedSize);
        for (var index = 0; index < batch.Count; index++)
        {
            PayloadEncoding.Write(packets._bytes, formatter, batch.Payload(index));
            packets._ends[index] = packets._bytes.Written;
        }

        return packets;
    }

    /// <summary>Each as its payload.</summary>
    public static EncodedPackets AsBytes(PacketBatch batch)
    {
        var packets = new EncodedPackets(batch.Count, batch.Bytes);
        for (var index = 0; index < batch.Count; index++)
        {
            packets._bytes.Write(batch.Payload(index));
            packets._ends[index] = packets._bytes.Written;
        }

        return packets;
    }

    public void Dispose() => _bytes.Dispose();
}
