using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Packets;

/// <summary>Text put together in memory that the caller has made large enough.</summary>
internal ref struct Utf8Line(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;

    public int Length { get; private set; }

    /// <summary>What is left; <see cref="Advance"/> says how much of it was filled.</summary>
    public readonly Span<byte> Rest => _destination[Length..];

    public void Advance(int bytes) => Length += bytes;

    public void Append(scoped ReadOnlySpan<byte> text)
    {
        text.CopyTo(Rest);
        Length += text.Length;
    }

    public void Append(int number)
    {
        Utf8Formatter.TryFormat(number, Rest, out var digits);
        Length += digits;
    }

    public void AppendBase64(scoped ReadOnlySpan<byte> bytes)
    {
        Base64.EncodeToUtf8(bytes, Rest, out _, out var letters);
        Length += letters;
    }

    public void AppendAddress(in PeerEndpoint endpoint, bool isIPv4)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, endpoint.High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], endpoint.Low);
        if (!isIPv4)
        {
            // IPAddress knows the canonical form of IPv6.
            new IPAddress(bytes).TryFormat(Rest, out var length);
            Length += length;
            return;
        }

        for (var part = 12; part < 16; part++)
        {
            if (part > 12)
                Append("."u8);
            Append(bytes[part]);
        }
    }
}
