namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class SecretKeyTests
{
    [Fact]
    public void Keeps_a_copy_of_its_own()
    {
        var bytes = Blake2sVectors.Pattern(32, 3);
        using var key = new SecretKey(bytes);

        bytes.AsSpan().Clear();

        Assert.Equal(Blake2sVectors.Pattern(32, 3), key.Bytes.ToArray());
    }

    [Fact]
    public void Gives_nothing_after_disposal()
    {
        var key = new SecretKey(Blake2sVectors.Pattern(32, 3));

        key.Dispose();
        key.Dispose();

        Assert.Throws<ObjectDisposedException>(() => key.Bytes.Length);
    }

    [Fact]
    public void Never_prints_its_bytes()
    {
        var bytes = Blake2sVectors.Pattern(32, 3);
        using var key = new SecretKey(bytes);

        var printed = $"{key}";

        Assert.Equal(nameof(SecretKey), printed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void Refuses_other_lengths_without_telling_the_bytes(int length)
    {
        var exception = Assert.Throws<ArgumentException>(() => new SecretKey(Blake2sVectors.Pattern(length, 3)));

        Assert.StartsWith("A key has 32 bytes.", exception.Message, StringComparison.Ordinal);
    }
}
