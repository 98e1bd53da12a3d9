using System.Buffers.Binary;
using System.Net;

namespace UdpGateway.WireGuard;

/// <summary>
/// A UDP source or target as plain numbers. IPv4 is kept as its IPv4-mapped form, so that a dual-stack socket and an
/// IPv4 socket name the same client alike.
/// </summary>
/// <param name="High">Address bytes 0–7, big-endian.</param>
/// <param name="Low">Address bytes 8–15, big-endian.</param>
/// <param name="ScopeId">Interface of a link-local IPv6 address, else 0.</param>
public readonly record struct PeerEndpoint(ulong High, ulong Low, ushort Port, uint ScopeId = 0)
{
    private const ulong MappedPrefix = 0x0000_ffff_0000_0000;

    /// <param name="address">Four bytes in network order.</param>
    public static PeerEndpoint FromIPv4(ReadOnlySpan<byte> address, ushort port) =>
        new(0, MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(address), port);

    /// <param name="address">Sixteen bytes in network order; IPv4-mapped addresses are understood.</param>
    public static PeerEndpoint FromIPv6(ReadOnlySpan<byte> address, ushort port, uint scopeId = 0) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(address), BinaryPrimitives.ReadUInt64BigEndian(address[8..]), port, scopeId);

    public static PeerEndpoint From(IPEndPoint endpoint)
    {
        Span<byte> bytes = stackalloc byte[16];
        endpoint.Address.TryWriteBytes(bytes, out var length);
        return length == 4
            ? FromIPv4(bytes[..4], (ushort)endpoint.Port)
            : FromIPv6(bytes, (ushort)endpoint.Port, (uint)endpoint.Address.ScopeId);
    }

    public bool IsIPv4 => High == 0 && Low >> 32 == 0xffff;

    /// <summary>Writes the address in network order, unmapped: 4 bytes for IPv4, 16 for IPv6. Returns how many.</summary>
    public int WriteAddress(Span<byte> destination)
    {
        if (IsIPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)Low);
            return 4;
        }

        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
        return 16;
    }

    /// <summary>For logs and JSON; allocates.</summary>
    public IPEndPoint ToIPEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        var length = WriteAddress(bytes);
        var address = length == 4 ? new IPAddress(bytes[..4]) : new IPAddress(bytes, ScopeId);
        return new IPEndPoint(address, Port);
    }

    public override string ToString() => ToIPEndPoint().ToString();
}
