using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class PortableCryptoBackendTests() : CryptoBackendContract(new PortableCryptoBackend());
