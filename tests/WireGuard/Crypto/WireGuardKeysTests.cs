namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class WireGuardKeysTests
{
    [Fact]
    public void Private_keys_are_clamped_and_differ()
    {
        byte[] first = new byte[32], second = new byte[32];

        WireGuardKeys.GeneratePrivateKey(first);
        WireGuardKeys.GeneratePrivateKey(second);

        Assert.All((byte[][])[first, second], key =>
        {
            Assert.Equal(0, key[0] & 0b0000_0111);
            Assert.Equal(0b0100_0000, key[31] & 0b1100_0000);
        });
        Assert.NotEqual(first, second);
    }

    // The published test keys of Wireshark's WireGuard captures.
    [Theory]
    [InlineData("AKeZaHwBxjiKLFnkY2unvEdOTtg4AL+M9dQXfopFVFk=", "Igge9KzRytKNwrgkzDE/8hrLu6Ly0OqVdvOPWhA5KR4=")]
    [InlineData("cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs=", "YDCttCs9e1J52/g9vEnwJJa+2x6RqaayAYMpSVQfGEY=")]
    public void Computes_the_public_key(string privateKey, string expected)
    {
        var publicKey = new byte[32];

        WireGuardKeys.ComputePublicKey(Convert.FromBase64String(privateKey), publicKey);

        Assert.Equal(expected, Convert.ToBase64String(publicKey));
    }

    [Fact]
    public void Preshared_keys_are_random()
    {
        byte[] first = new byte[32], second = new byte[32];

        WireGuardKeys.GeneratePresharedKey(first);
        WireGuardKeys.GeneratePresharedKey(second);

        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Refuses_lengths_other_than_32()
    {
        Assert.Throws<ArgumentException>(() => WireGuardKeys.GeneratePrivateKey(new byte[31]));
        Assert.Throws<ArgumentException>(() => WireGuardKeys.GeneratePresharedKey(new byte[33]));
        Assert.Throws<ArgumentException>(() => WireGuardKeys.ComputePublicKey(new byte[31], new byte[32]));
    }
}
