using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>The calls of OpenSSL 3's libcrypto that the engine needs, by their own names.</summary>
internal static unsafe partial class LibCrypto
{
    public const int X25519 = 1034;       // NID_X25519
    public const int AeadGetTag = 0x10;   // EVP_CTRL_AEAD_GET_TAG
    public const int AeadSetTag = 0x11;   // EVP_CTRL_AEAD_SET_TAG
    public const uint FirstVersion = 0x3000_0000;

    private const string Library = "libcrypto.so.3";

    // Only versioned names on macOS: its unversioned libcrypto aborts the process that loads it.
    private static readonly string[] LibraryNames = OperatingSystem.IsMacOS() ? ["libcrypto.3.dylib"] : [Library, "libcrypto.so"];

    // The resolver must be in place before the first call below; a static constructor guarantees that, a field initializer does not.
    static LibCrypto() => NativeLibrary.SetDllImportResolver(typeof(LibCrypto).Assembly, Resolve);

    /// <summary>Empties the thread's error queue, so that failures do not pile up, and says which call failed.</summary>
    public static CryptographicException Failed(string call)
    {
        var code = ERR_peek_last_error();
        ERR_clear_error();
        return new CryptographicException($"libcrypto: {call} failed (error 0x{code:x}).");
    }

    [LibraryImport(Library)]
    public static partial uint OpenSSL_version_num();

    [LibraryImport(Library)]
    public static partial void ERR_clear_error();

    [LibraryImport(Library)]
    public static partial nuint ERR_peek_last_error();

    [LibraryImport(Library)]
    public static partial nint EVP_chacha20_poly1305();

    [LibraryImport(Library)]
    public static partial nint EVP_CIPHER_CTX_new();

    [LibraryImport(Library)]
    public static partial void EVP_CIPHER_CTX_free(nint context);

    [LibraryImport(Library)]
    public static partial int EVP_CIPHER_CTX_ctrl(nint context, int type, int argument, byte* pointer);

    [LibraryImport(Library)]
    public static partial int EVP_EncryptInit_ex(nint context, nint cipher, nint engine, byte* key, byte* nonce);

    [LibraryImport(Library)]
    public static partial int EVP_EncryptUpdate(nint context, byte* output, int* outputLength, byte* input, int inputLength);

    [LibraryImport(Library)]
    public static partial int EVP_EncryptFinal_ex(nint context, byte* output, int* outputLength);

    [LibraryImport(Library)]
    public static partial int EVP_DecryptInit_ex(nint context, nint cipher, nint engine, byte* key, byte* nonce);

    [LibraryImport(Library)]
    public static partial int EVP_DecryptUpdate(nint context, byte* output, int* outputLength, byte* input, int inputLength);

    [LibraryImport(Library)]
    public static partial int EVP_DecryptFinal_ex(nint context, byte* output, int* outputLength);

    [LibraryImport(Library)]
    public static partial nint EVP_PKEY_new_raw_private_key(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Library)]
    public static partial nint EVP_PKEY_new_raw_public_key(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_get_raw_public_key(nint key, byte* publicKey, nuint* length);

    [LibraryImport(Library)]
    public static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    public static partial nint EVP_PKEY_CTX_new(nint key, nint engine);

    [LibraryImport(Library)]
    public static partial void EVP_PKEY_CTX_free(nint context);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_derive_init(nint context);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_derive_set_peer_ex(nint context, nint peer, int validate);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_derive(nint context, byte* secret, nuint* length);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (!string.Equals(name, Library, StringComparison.Ordinal))
            return 0;
        foreach (var candidate in LibraryNames)
        {
            if (NativeLibrary.TryLoad(candidate, out var handle))
                return handle;
        }
        return 0;
    }
}
