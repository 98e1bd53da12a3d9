using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>Every test of the protocol runs on each cryptographic backend of this machine, and in CI on both in any case.</summary>
public static class Backends
{
    public static string[] Names => CryptoBackends.IsOpenSslAvailable || IsCI ? ["openssl", "portable"] : ["portable"];

    public static TheoryData<string> All => [.. Names];

    private static bool IsCI => string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.Ordinal);

    public static ICryptoBackend Create(string name) => name == "openssl" ? new OpenSslCryptoBackend() : new PortableCryptoBackend();
}
