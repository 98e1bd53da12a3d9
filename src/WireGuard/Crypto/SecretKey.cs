using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace UdpGateway.WireGuard;

/// <summary>
/// Thirty-two secret bytes outside the moving heap. Zeroed on <see cref="Dispose"/>; never printed.
/// </summary>
public sealed unsafe class SecretKey : IDisposable
{
    public const int Size = 32;

    private byte* _bytes;

    /// <param name="bytes">32 bytes, copied; the caller clears its own copy.</param>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public SecretKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException("A key has 32 bytes.", nameof(bytes));
        _bytes = (byte*)NativeMemory.Alloc(Size);
        bytes.CopyTo(new Span<byte>(_bytes, Size));
    }

    ~SecretKey() => Release();

    /// <summary>Valid until <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes is null ? throw new ObjectDisposedException(nameof(SecretKey)) : new ReadOnlySpan<byte>(_bytes, Size);

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>A key never shows itself.</summary>
    public override string ToString() => nameof(SecretKey);

    private void Release()
    {
        if (_bytes is null)
            return;
        CryptographicOperations.ZeroMemory(new Span<byte>(_bytes, Size));
        NativeMemory.Free(_bytes);
        _bytes = null;
    }
}
