using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class OpenSslCryptoBackendTests() : CryptoBackendContract(new OpenSslCryptoBackend());
