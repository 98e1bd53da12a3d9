using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>Every test of the protocol runs on each cryptographic backend of this machine.</summary>
public static class Backends
{
    public static string[] Names => CryptoBackends.IsOpenSslAvailable ? ["openssl", "portable"] : ["portable"];

    public static TheoryData<string> All => [.. Names];

    public static ICryptoBackend Create(string name) => name == "openssl" ? new OpenSslCryptoBackend() : new PortableCryptoBackend();
}
