using System.Buffers.Binary;

namespace UdpGateway.Gateway.Packets;

/// <summary>A CoAP message (RFC 7252 §3) over the bytes of a datagram; every part is a slice of it.</summary>
internal readonly ref struct CoapMessage
{
    public const int Version = 1;
    public const int HeaderSize = 4;
    public const int MaxTokenLength = 8;
    public const byte PayloadMarker = 0xFF;

    /// <summary>0.00, a message without token, options and payload (RFC 7252 §4.1).</summary>
    public const int EmptyCode = 0;

    /// <summary>A confirmable empty message with id 0.</summary>
    public static ReadOnlySpan<byte> Shortest => [Version << 6, EmptyCode, 0, 0];

    private readonly ReadOnlySpan<byte> _options;

    private CoapMessage(ReadOnlySpan<byte> datagram, int tokenLength, int optionsLength, ReadOnlySpan<byte> payload)
    {
        Type = (datagram[0] >> 4) & 0b11;
        Code = datagram[1];
        MessageId = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        Token = datagram.Slice(HeaderSize, tokenLength);
        _options = datagram.Slice(HeaderSize + tokenLength, optionsLength);
        Payload = payload;
    }

    /// <summary>0 CON, 1 NON, 2 ACK, 3 RST.</summary>
    public int Type { get; }

    /// <summary>The class in the upper three bits, the detail in the lower five: 69 is 2.05.</summary>
    public int Code { get; }

    public int MessageId { get; }

    public ReadOnlySpan<byte> Token { get; }

    /// <summary>Empty when there is none; a payload marker without payload is no valid message.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>By number, as the delta encoding has them.</summary>
    public OptionEnumerator Options => new(_options);

    /// <summary>False for what RFC 7252 calls a message format error, and for versions other than 1.</summary>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out CoapMessage message)
    {
        message = default;
        if (datagram.Length < HeaderSize || datagram[0] >> 6 != Version)
            return false;
        var tokenLength = datagram[0] & 0b1111;
        if (tokenLength > MaxTokenLength || datagram.Length < HeaderSize + tokenLength)
            return false;
        if (datagram[1] == EmptyCode && datagram.Length > HeaderSize)
            return false;

        var rest = datagram[(HeaderSize + tokenLength)..];
        var options = new OptionEnumerator(rest);
        while (options.MoveNext())
        {
            // Only to see whether each is well-formed, and where they end.
        }

        if (!options.IsWellFormed)
            return false;
        var payload = rest[options.Consumed..];
        if (payload.Length == 1)
            return false;
        message = new CoapMessage(datagram, tokenLength, options.Consumed, payload.IsEmpty ? payload : payload[1..]);
        return true;
    }

    /// <summary>Walks over options up to the payload marker or the end.</summary>
    public ref struct OptionEnumerator(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public CoapOption Current { get; private set; }

        /// <summary>Bytes of the options so far.</summary>
        public int Consumed { get; private set; }

        public bool IsWellFormed { get; private set; } = true;

        public readonly OptionEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (Consumed == _bytes.Length || _bytes[Consumed] == PayloadMarker)
                return false;
            if (CoapOption.TryRead(_bytes[Consumed..], Current.Number, out var option, out var length))
            {
                Current = option;
                Consumed += length;
                return true;
            }

            return IsWellFormed = false;
        }
    }
}

/// <summary>An option (RFC 7252 §3.1): its number is encoded as the distance from the option before it.</summary>
internal readonly ref struct CoapOption(int number, ReadOnlySpan<byte> value)
{
    public const int MaxNumber = ushort.MaxValue;
    public const int UriPath = 11;
    public const int MaxHeaderSize = 5;

    // What a nibble of the first byte says: the value itself below 13, else that one or two more bytes follow, with a bias.
    private const int OneByte = 13;
    private const int TwoBytes = 14;
    private const int OneByteBias = 13;
    private const int TwoBytesBias = 269;

    public int Number { get; } = number;

    public ReadOnlySpan<byte> Value { get; } = value;

    public static bool TryRead(ReadOnlySpan<byte> bytes, int previousNumber, out CoapOption option, out int size)
    {
        option = default;
        size = 1;
        if (!TryReadExtended(bytes, bytes[0] >> 4, ref size, out var delta)
            || !TryReadExtended(bytes, bytes[0] & 0b1111, ref size, out var length)
            || previousNumber + delta > MaxNumber
            || bytes.Length - size < length)
            return false;
        option = new CoapOption(previousNumber + delta, bytes.Slice(size, length));
        size += length;
        return true;
    }

    /// <summary>Writes what stands before the value; returns its size, at most <see cref="MaxHeaderSize"/>.</summary>
    public static int WriteHeader(Span<byte> bytes, int delta, int length)
    {
        var size = 1;
        bytes[0] = (byte)((WriteExtended(bytes, delta, ref size) << 4) | WriteExtended(bytes, length, ref size));
        return size;
    }

    private static bool TryReadExtended(ReadOnlySpan<byte> bytes, int nibble, ref int size, out int value)
    {
        value = nibble;
        switch (nibble)
        {
            case OneByte when bytes.Length - size >= 1:
                value = bytes[size] + OneByteBias;
                size += 1;
                return true;
            case TwoBytes when bytes.Length - size >= 2:
                value = BinaryPrimitives.ReadUInt16BigEndian(bytes[size..]) + TwoBytesBias;
                size += 2;
                return true;
            default:
                return nibble < OneByte;
        }
    }

    private static int WriteExtended(Span<byte> bytes, int value, ref int size)
    {
        if (value < OneByteBias)
            return value;
        if (value < TwoBytesBias)
        {
            bytes[size] = (byte)(value - OneByteBias);
            size += 1;
            return OneByte;
        }

        BinaryPrimitives.WriteUInt16BigEndian(bytes[size..], checked((ushort)(value - TwoBytesBias)));
        size += 2;
        return TwoBytes;
    }
}
