using System.Buffers.Binary;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

/// <summary>
/// Multiplication modulo 2^64 where X25519 belongs: worthless as cryptography, but commutative and cheap, so that tests
/// of bounds can make a hundred thousand handshakes. Everything else is the real backend.
/// </summary>
internal sealed class MultiplicativeAgreement : ICryptoBackend
{
    private const ulong Generator = 0x9e3779b97f4a7c15;

    private readonly ICryptoBackend _backend = TestBackends.Create(TestBackends.Best);

    public string Name => nameof(MultiplicativeAgreement);

    public X25519Key ImportPrivateKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        var scalar = BinaryPrimitives.ReadUInt64LittleEndian(privateKey) | 1;
        publicKey.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(publicKey, scalar * Generator);
        return new X25519Key((nint)scalar);
    }

    public void Release(X25519Key key)
    {
        // The handle is the key itself.
    }

    public bool TryAgree(X25519Key key, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret)
    {
        sharedSecret.Clear();
        var shared = (ulong)key.Handle * BinaryPrimitives.ReadUInt64LittleEndian(publicKey);
        BinaryPrimitives.WriteUInt64LittleEndian(sharedSecret, shared);
        return shared != 0;
    }

    public void Seal(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> sealedText) =>
        _backend.Seal(key, counter, plaintext, associatedData, sealedText);

    public bool TryOpen(ReadOnlySpan<byte> key, ulong counter, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext) =>
        _backend.TryOpen(key, counter, sealedText, associatedData, plaintext);

    public void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> sealedText) =>
        _backend.Seal(key, nonce, plaintext, associatedData, sealedText);

    public bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedText, ReadOnlySpan<byte> associatedData, Span<byte> plaintext) =>
        _backend.TryOpen(key, nonce, sealedText, associatedData, plaintext);

    public void Dispose() => _backend.Dispose();
}
