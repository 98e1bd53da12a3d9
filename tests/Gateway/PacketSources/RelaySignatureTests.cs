using System.Security.Cryptography;
using UdpGateway.Gateway.PacketSources;

namespace UdpGateway.Gateway.Tests.PacketSources;

public sealed class RelaySignatureTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] Body = "body"u8.ToArray();

    [Fact]
    public void Takes_what_it_signed_once()
    {
        var signature = new RelaySignature(Key, TimeProvider.System);
        var header = new RelaySignature(Key, TimeProvider.System).Sign(Body);

        Assert.Equal(RelayVerdict.Genuine, signature.Check(header, Body));
        Assert.Equal(RelayVerdict.Replayed, signature.Check(header, Body));
    }

    [Fact]
    public void Refuses_another_key_another_body_and_whatever_is_no_signature()
    {
        var signature = new RelaySignature(Key, TimeProvider.System);
        var header = signature.Sign(Body);
        var parts = header.Split(' ');

        Assert.Equal(RelayVerdict.NotAuthentic, new RelaySignature(RandomNumberGenerator.GetBytes(32), TimeProvider.System).Check(header, Body));
        Assert.Equal(RelayVerdict.NotAuthentic, signature.Check(header, "other"u8));
        Assert.Equal(RelayVerdict.NotAuthentic, signature.Check($"{long.Parse(parts[0]) + 1} {parts[1]} {parts[2]}", Body));
        foreach (var wrong in new[] { null, "", "1 2 3", $"{parts[0]} {parts[1]} {new string('x', 64)}", $"{header} more" })
            Assert.Equal(RelayVerdict.NotAuthentic, signature.Check(wrong, Body));
    }

    [Theory]
    [InlineData(31)]
    [InlineData(-31)]
    public void Refuses_what_was_made_too_long_ago_or_in_the_future(int seconds)
    {
        var header = new RelaySignature(Key, new OffsetClock(TimeSpan.FromSeconds(seconds))).Sign(Body);

        Assert.Equal(RelayVerdict.OutsideWindow, new RelaySignature(Key, TimeProvider.System).Check(header, Body));
    }

    private sealed class OffsetClock(TimeSpan offset) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;
    }
}
