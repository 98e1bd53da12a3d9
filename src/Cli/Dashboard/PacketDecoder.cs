using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using UdpGateway.Gateway.InnerPackets;

namespace UdpGateway.Cli.Dashboard;

/// <summary>One protocol of a packet, as a person reads it.</summary>
/// <param name="Fields">Name and value of each, in the order of the header.</param>
internal sealed record PacketLayer(string Title, IReadOnlyList<KeyValuePair<string, string>> Fields);

/// <summary>A packet taken apart.</summary>
/// <param name="Protocol">The innermost protocol that was understood, in a word.</param>
/// <param name="Summary">One line.</param>
/// <param name="PayloadOffset">Where what no layer explains begins; its length is <paramref name="PayloadLength"/>.</param>
internal sealed record DecodedPacket(string Protocol, string Summary, IReadOnlyList<PacketLayer> Layers, int PayloadOffset, int PayloadLength);

/// <summary>Reads IPv4, IPv6, UDP, TCP, ICMP and CoAP for display: it never throws, and what it cannot read is payload.</summary>
internal static class PacketDecoder
{
    private const int EchoHeaderSize = 8;
    private const int TcpHeaderSize = 20;
    private const byte Icmp = 1;
    private const byte Tcp = 6;
    private const byte IcmpV6 = 58;

    /// <param name="bytes">An inner packet, or with <paramref name="isPlain"/> the payload of a datagram.</param>
    /// <param name="mayBeCoap">The packet goes to a destination that takes CoAP.</param>
    public static DecodedPacket Decode(byte[] bytes, bool isPlain, bool mayBeCoap)
    {
        var packet = new Reader(bytes, mayBeCoap);
        if (isPlain)
            packet.ReadApplication("UDP", 0, bytes.Length, isCoapPort: false);
        else if (IPv4Header.IsValid(bytes))
            packet.ReadIPv4();
        else if (IPv6Header.IsValid(bytes))
            packet.ReadIPv6();
        else
            packet.ReadApplication("raw", 0, bytes.Length, isCoapPort: false);
        return packet.Decoded;
    }

    /// <summary>An inner packet without the zeros that WireGuard adds: IP says how long it is.</summary>
    public static ReadOnlySpan<byte> WithoutPadding(ReadOnlySpan<byte> packet)
    {
        var length = packet.Length switch
        {
            >= IPv4Header.Size when packet[0] >> 4 == 4 => BinaryPrimitives.ReadUInt16BigEndian(packet[2..]),
            >= IPv6Header.Size when packet[0] >> 4 == 6 => IPv6Header.Size + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]),
            _ => packet.Length,
        };
        return length <= packet.Length ? packet[..length] : packet;
    }

    private sealed class Reader(byte[] bytes, bool mayBeCoap)
    {
        private readonly List<PacketLayer> _layers = [];

        public DecodedPacket Decoded { get; private set; } = null!;

        public void ReadIPv4()
        {
            var header = new IPv4Header(bytes);
            var (source, destination) = (new IPAddress(header.Source), new IPAddress(header.Destination));
            Add("IPv4", ("Source", source.ToString()), ("Destination", destination.ToString()), ("Protocol", ProtocolName(header.Protocol)),
                ("Time to live", Text(bytes[8])), ("Length", $"{header.TotalLength} bytes"), ("Identification", Text(BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(4)))));
            ReadTransport(header.Protocol, header.HeaderLength, source, destination, header.IsFragment);
        }

        public void ReadIPv6()
        {
            var header = new IPv6Header(bytes);
            var (source, destination) = (new IPAddress(header.Source), new IPAddress(header.Destination));
            var isWhole = header.TryFindUpperLayer(out var protocol, out var offset, out var isFragment);
            Add("IPv6", ("Source", source.ToString()), ("Destination", destination.ToString()), ("Protocol", ProtocolName(protocol)),
                ("Hop limit", Text(bytes[7])), ("Length", $"{bytes.Length} bytes"));
            if (isWhole)
                ReadTransport(protocol, offset, source, destination, isFragment);
            else
                Finish("IPv6", $"{source} → {destination}, cut off", IPv6Header.Size, bytes.Length - IPv6Header.Size);
        }

        private void ReadTransport(byte protocol, int offset, IPAddress source, IPAddress destination, bool isFragment)
        {
            var length = bytes.Length - offset;
            if (isFragment)
                Finish(source.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "IPv4" : "IPv6", $"{source} → {destination}, a fragment", offset, length);
            else if (protocol == UdpHeader.Protocol && length >= UdpHeader.Size)
                ReadUdp(offset, source, destination);
            else if (protocol == Tcp && length >= TcpHeaderSize)
                ReadTcp(offset, source, destination);
            else if (protocol is Icmp or IcmpV6 && length >= EchoHeaderSize)
                ReadIcmp(protocol, offset, source, destination);
            else
                Finish(ProtocolName(protocol), $"{source} → {destination}", offset, length);
        }

        private void ReadUdp(int offset, IPAddress source, IPAddress destination)
        {
            var header = new UdpHeader(bytes.AsSpan(offset));
            var isValid = UdpHeader.IsValid(bytes.AsSpan(offset), source.GetAddressBytes(), destination.GetAddressBytes());
            Add("UDP", ("Source port", Text(header.SourcePort)), ("Destination port", Text(header.DestinationPort)), ("Length", $"{header.Length} bytes"),
                ("Checksum", isValid ? "right" : "wrong, or the length is"));
            var length = isValid ? header.Length - UdpHeader.Size : bytes.Length - offset - UdpHeader.Size;
            var isCoapPort = CoapText.IsPort(header.SourcePort) || CoapText.IsPort(header.DestinationPort);
            ReadApplication("UDP", offset + UdpHeader.Size, length, isCoapPort, $"{new IPEndPoint(source, header.SourcePort)} → {new IPEndPoint(destination, header.DestinationPort)}");
        }

        private void ReadTcp(int offset, IPAddress source, IPAddress destination)
        {
            var header = bytes.AsSpan(offset);
            var (from, to) = (BinaryPrimitives.ReadUInt16BigEndian(header), BinaryPrimitives.ReadUInt16BigEndian(header[2..]));
            string[] names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
            var flags = header[13];
            var set = string.Join(' ', names.Where((_, bit) => (flags >> bit & 1) == 1));
            Add("TCP", ("Source port", Text(from)), ("Destination port", Text(to)), ("Flags", set),
                ("Sequence", Text(BinaryPrimitives.ReadUInt32BigEndian(header[4..]))), ("Acknowledgement", Text(BinaryPrimitives.ReadUInt32BigEndian(header[8..]))));
            var size = Math.Min(Math.Max((header[12] >> 4) * 4, TcpHeaderSize), header.Length);
            Finish("TCP", $"{new IPEndPoint(source, from)} → {new IPEndPoint(destination, to)} {set}", offset + size, header.Length - size);
        }

        private void ReadIcmp(byte protocol, int offset, IPAddress source, IPAddress destination)
        {
            var message = bytes.AsSpan(offset);
            var title = protocol == Icmp ? "ICMP" : "ICMPv6";
            var name = (protocol, message[0]) switch
            {
                (Icmp, 8) or (IcmpV6, 128) => "echo request",
                (Icmp, 0) or (IcmpV6, 129) => "echo reply",
                (Icmp, 3) or (IcmpV6, 1) => "destination unreachable",
                (Icmp, 11) or (IcmpV6, 3) => "time exceeded",
                (IcmpV6, 2) => "packet too big",
                (IcmpV6, 133) => "router solicitation",
                (IcmpV6, 135) => "neighbour solicitation",
                _ => $"type {message[0]}",
            };
            if (!name.StartsWith("echo", StringComparison.Ordinal))
            {
                Add(title, ("Type", $"{message[0]} ({name})"), ("Code", Text(message[1])));
                Finish(title, $"{source} → {destination} {name}", offset + EchoHeaderSize, message.Length - EchoHeaderSize);
                return;
            }

            var (identifier, sequence) = (BinaryPrimitives.ReadUInt16BigEndian(message[4..]), BinaryPrimitives.ReadUInt16BigEndian(message[6..]));
            Add(title, ("Type", $"{message[0]} ({name})"), ("Identifier", Text(identifier)), ("Sequence", Text(sequence)));
            Finish(title, $"{source} → {destination} {name}, sequence {sequence}", offset + EchoHeaderSize, message.Length - EchoHeaderSize);
        }

        public void ReadApplication(string protocol, int offset, int length, bool isCoapPort, string? flow = null)
        {
            var payload = bytes.AsSpan(offset, length);
            if (CoapText.TryRead(payload, mayBeCoap || isCoapPort, out var layer, out var line, out var payloadLength))
            {
                _layers.Add(layer);
                Finish("CoAP", flow is null ? line : $"{flow} {line}", offset + length - payloadLength, payloadLength);
                return;
            }

            Finish(protocol, flow ?? (protocol == "raw" ? "no IP packet" : "datagram"), offset, length);
        }

        private void Finish(string protocol, string summary, int payloadOffset, int payloadLength) =>
            Decoded = new DecodedPacket(protocol, summary, _layers, payloadOffset, payloadLength);

        private void Add(string title, params (string Name, string Value)[] fields) =>
            _layers.Add(new PacketLayer(title, [.. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))]));

        private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);

        private static string ProtocolName(byte protocol) => protocol switch
        {
            Icmp => "ICMP",
            Tcp => "TCP",
            UdpHeader.Protocol => "UDP",
            IcmpV6 => "ICMPv6",
            _ => $"protocol {protocol}",
        };
    }
}
