using System.Buffers.Binary;
using System.Net;

namespace UdpGateway.Fuzz;

/// <summary>The inputs that are checked in, one folder for each target: genuine messages to start from, and every input that ever failed.</summary>
public static class FuzzCorpus
{
    public static IReadOnlyList<byte[]> Read(string target) =>
        [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Corpus", target)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    /// <summary>Writes the genuine messages anew, after a change of the protocol or of the tunnel that makes them.</summary>
    public static void WriteSeeds(string directory)
    {
        foreach (var (target, name, bytes) in Seeds())
        {
            var folder = Directory.CreateDirectory(Path.Combine(directory, target));
            File.WriteAllBytes(Path.Combine(folder.FullName, $"seed-{name}.bin"), bytes);
        }
    }

    private static IEnumerable<(string Target, string Name, byte[] Bytes)> Seeds()
    {
        using var idle = new FuzzTunnel(8);
        idle.Client.Connect(idle.Now);
        var initiation = idle.Take().Single();
        var response = idle.Answer([.. initiation]);

        // Of another tunnel: what the target's own client has sealed would rightly be accepted.
        using var other = new FuzzTunnel(8, seed: 1);
        other.Connect();
        other.Client.Send([], pad: false, other.Now);
        var keepalive = other.Take().Single();
        other.Client.Send(IPv4Packet(), pad: true, other.Now);
        var data = other.Take().Single();
        other.Client.Send("not an IP packet"u8, pad: false, other.Now);
        var raw = other.Take().Single();

        using var loaded = new FuzzTunnel(8);
        loaded.Client.Connect(loaded.Now);
        var first = loaded.Take().Single();
        loaded.Engine.AccountHandshake(TimeSpan.FromSeconds(1), loaded.Now);
        var cookieReply = loaded.Answer([.. first]);
        loaded.Client.Receive([.. cookieReply], loaded.Now, out _, out _);
        loaded.Now += TimeSpan.FromSeconds(6);
        var withCookie = loaded.Take().Single();

        foreach (var (name, message) in new[] { ("initiation", initiation), ("response", response), ("cookie-reply", cookieReply), ("keepalive", keepalive), ("data", data) })
            yield return ("classify", name, message);
        yield return ("initiation", "plain", initiation);
        yield return ("initiation", "with-cookie", withCookie);
        yield return ("initiation", "short", initiation[..147]);
        yield return ("transport", "keepalive", keepalive);
        yield return ("transport", "data", data);
        yield return ("transport", "raw", raw);
        yield return ("transport", "inner-ipv4", IPv4Packet());
        yield return ("transport", "inner-ipv6", IPv6Packet());
        yield return ("inner-packet", "ipv4", IPv4Packet());
        yield return ("inner-packet", "ipv4-padded", [.. IPv4Packet(), 0, 0, 0]);
        yield return ("inner-packet", "ipv6", IPv6Packet());
        yield return ("inner-packet", "text", "not an IP packet"u8.ToArray());
        yield return ("response", "genuine", response);
        yield return ("response", "short", response[..91]);
        yield return ("response", "initiation", initiation);
        yield return ("cookie-reply", "genuine", cookieReply);
        yield return ("cookie-reply", "short", cookieReply[..63]);
        yield return ("cookie-reply", "keepalive", keepalive);
    }

    private static byte[] IPv4Packet()
    {
        var packet = new byte[29];
        packet[0] = 0x45;
        packet[3] = 29;
        packet[8] = 64;
        packet[9] = 17;
        IPAddress.Parse("10.1.0.1").TryWriteBytes(packet.AsSpan(12), out _);
        IPAddress.Parse("192.0.2.53").TryWriteBytes(packet.AsSpan(16), out _);
        var sum = 0;
        for (var i = 0; i < 20; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~sum);
        return packet;
    }

    private static byte[] IPv6Packet()
    {
        var packet = new byte[48];
        packet[0] = 0x60;
        packet[5] = 8;
        packet[6] = 17;
        packet[7] = 64;
        IPAddress.Parse("fd01::1").TryWriteBytes(packet.AsSpan(8), out _);
        IPAddress.Parse("2001:db8::53").TryWriteBytes(packet.AsSpan(24), out _);
        return packet;
    }
}
