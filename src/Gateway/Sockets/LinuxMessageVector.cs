using System.Buffers.Binary;
using System.Runtime.InteropServices;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Sockets;

/// <summary>The headers, addresses and control buffers that recvmmsg and sendmmsg want beside the slots of one batch.</summary>
internal sealed unsafe class LinuxMessageVector : IDisposable
{
    private const int NameSize = 28;    // struct sockaddr_in6
    private const int IPv4NameSize = 16;
    private const int ControlHeaderSize = 16;
    private const int SegmentControlSize = 24;  // a header and one uint16, aligned

    /// <summary>Ethernet's MTU without IPv4 and UDP: the kernel cuts up no longer segments.</summary>
    private const int LongestSegment = 1_472;

    /// <summary>What one message may hold: 65,535 without the headers of UDP and IPv6.</summary>
    private const int LongestRun = 65_487;

    private readonly DatagramBatch _batch;
    private LinuxSystemCalls.Message* _messages;
    private LinuxSystemCalls.IoVector* _vectors;
    private byte* _names;
    private byte* _controls;

    public LinuxMessageVector(DatagramBatch batch)
    {
        _batch = batch;
        _messages = (LinuxSystemCalls.Message*)NativeMemory.AllocZeroed(DatagramBatch.Capacity, (nuint)sizeof(LinuxSystemCalls.Message));
        _vectors = (LinuxSystemCalls.IoVector*)NativeMemory.AllocZeroed(DatagramBatch.Capacity, (nuint)sizeof(LinuxSystemCalls.IoVector));
        _names = (byte*)NativeMemory.AllocZeroed(DatagramBatch.Capacity, NameSize);
        _controls = (byte*)NativeMemory.AllocZeroed(DatagramBatch.Capacity, SegmentControlSize);
    }

    public LinuxSystemCalls.Message* Messages => _messages;

    /// <summary>Offers every slot to recvmmsg. The kernel changes lengths, so this runs before each call.</summary>
    public void PrepareReceive()
    {
        for (var slot = 0; slot < DatagramBatch.Capacity; slot++)
        {
            _vectors[slot] = new LinuxSystemCalls.IoVector { Base = _batch.Pointer(slot), Length = DatagramBatch.SlotSize };
            _messages[slot].Header = new LinuxSystemCalls.MessageHeader
            {
                Name = _names + (slot * NameSize),
                NameLength = NameSize,
                Vectors = _vectors + slot,
                VectorCount = 1,
            };
        }
    }

    /// <summary>Takes over lengths and sources.</summary>
    public void CompleteReceive(int count)
    {
        for (var slot = 0; slot < count; slot++)
            _batch.Set(slot, (int)_messages[slot].Length, ReadName(_names + (slot * NameSize)));
    }

    /// <summary>Offers the slots from that one on to sendmmsg; returns how many messages they make.</summary>
    /// <param name="joins">Neighbours of one length for one client become one message, which the kernel cuts up (UDP_SEGMENT).</param>
    public int PrepareSend(bool ipv6, int from, bool joins)
    {
        var messages = 0;
        for (var slot = from; slot < _batch.Count; messages++)
        {
            var slots = joins ? RunLength(slot) : 1;
            for (var i = slot; i < slot + slots; i++)
                _vectors[i] = new LinuxSystemCalls.IoVector { Base = _batch.Pointer(i), Length = (nuint)_batch.Length(i) };
            var control = _controls + (messages * SegmentControlSize);
            if (slots > 1)
                WriteSegmentSize(control, _batch.Length(slot));
            _messages[messages].Header = new LinuxSystemCalls.MessageHeader
            {
                Name = _names + (slot * NameSize),
                NameLength = (uint)WriteName(_names + (slot * NameSize), _batch.Endpoint(slot), ipv6),
                Vectors = _vectors + slot,
                VectorCount = (nuint)slots,
                Control = slots > 1 ? control : null,
                ControlLength = slots > 1 ? SegmentControlSize : 0u,
            };
            slot += slots;
        }

        return messages;
    }

    /// <summary>The slots of a prepared message.</summary>
    public (int First, int Count) SlotsOf(int message) =>
        ((int)(_messages[message].Header.Vectors - _vectors), (int)_messages[message].Header.VectorCount);

    public void Dispose()
    {
        NativeMemory.Free(_messages);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_names);
        NativeMemory.Free(_controls);
        _messages = null;
        _vectors = null;
        _names = null;
        _controls = null;
    }

    /// <summary>How many slots go to the same client with the same length; a shorter one may end them.</summary>
    private int RunLength(int first)
    {
        var size = _batch.Length(first);
        if (size > LongestSegment)
            return 1;
        var end = first + 1;
        for (var total = size; end < _batch.Count && _batch.Length(end - 1) == size; end++)
        {
            var length = _batch.Length(end);
            total += length;
            if (length == 0 || length > size || total > LongestRun || _batch.Endpoint(end) != _batch.Endpoint(first))
                break;
        }

        return end - first;
    }

    private static void WriteSegmentSize(byte* control, int size)
    {
        var bytes = new Span<byte>(control, SegmentControlSize);
        bytes.Clear();
        MemoryMarshal.Write(bytes, (nuint)(ControlHeaderSize + sizeof(ushort)));
        MemoryMarshal.Write(bytes[8..], LinuxSystemCalls.UdpLevel);
        MemoryMarshal.Write(bytes[12..], LinuxSystemCalls.UdpSegment);
        MemoryMarshal.Write(bytes[ControlHeaderSize..], (ushort)size);
    }

    private static PeerEndpoint ReadName(byte* name)
    {
        var bytes = new ReadOnlySpan<byte>(name, NameSize);
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return MemoryMarshal.Read<ushort>(bytes) == LinuxSystemCalls.AddressFamilyIPv4
            ? PeerEndpoint.FromIPv4(bytes[4..8], port)
            : PeerEndpoint.FromIPv6(bytes[8..24], port, MemoryMarshal.Read<uint>(bytes[24..]));
    }

    private static int WriteName(byte* name, in PeerEndpoint endpoint, bool ipv6)
    {
        var bytes = new Span<byte>(name, NameSize);
        bytes.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], endpoint.Port);
        if (!ipv6)
        {
            MemoryMarshal.Write(bytes, LinuxSystemCalls.AddressFamilyIPv4);
            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)endpoint.Low);
            return IPv4NameSize;
        }

        MemoryMarshal.Write(bytes, LinuxSystemCalls.AddressFamilyIPv6);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], endpoint.High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], endpoint.Low);
        MemoryMarshal.Write(bytes[24..], endpoint.ScopeId);
        return NameSize;
    }
}
