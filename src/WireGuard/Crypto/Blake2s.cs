using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace UdpGateway.WireGuard.Crypto;

/// <summary>
/// BLAKE2s (RFC 7693) in the three forms that WireGuard uses: the 32-byte hash, the keyed 16-byte MAC, and HMAC over the hash. Stack only.
/// </summary>
[SkipLocalsInit]
internal static class Blake2s
{
    public const int HashSize = 32;
    public const int MacSize = 16;

    private const int BlockSize = Blake2sCompression.BlockSize;
    private const int MaximumKeySize = 32;

    public static void Hash(ReadOnlySpan<byte> data, Span<byte> digest32) => Hash(data, [], digest32);

    /// <summary>HASH(first ‖ second) without joining them. The digest may be one of the inputs.</summary>
    public static void Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest32)
    {
        CheckDigest(digest32, HashSize);
        Compute([], first, second, digest32);
    }

    /// <summary>BLAKE2s with a key of up to 32 bytes and a digest of 16, which is not the first half of one of 32.</summary>
    public static void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> digest16) => Mac(key, data, [], digest16);

    public static void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest16)
    {
        CheckDigest(digest16, MacSize);
        Compute(key, first, second, digest16);
    }

    /// <summary>RFC 7693 §3.3 with any lengths that it allows.</summary>
    /// <param name="key">0 to 32 bytes; empty means unkeyed.</param>
    /// <param name="digest">1 to 32 bytes; its length goes into the hash.</param>
    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest)
    {
        if (key.Length > MaximumKeySize)
            throw new ArgumentException("A key of BLAKE2s has at most 32 bytes.", nameof(key));
        if (digest.Length is 0 or > HashSize)
            throw new ArgumentException("A digest of BLAKE2s has 1 to 32 bytes.", nameof(digest));
        var state = new State(digest.Length, key.Length);
        if (key.Length > 0)
            state.UpdateBlock(key, pad: 0);
        state.Update(first);
        state.Update(second);
        state.Finish(digest);
        state.Clear();
    }

    /// <summary>HMAC (RFC 2104) over the 32-byte hash.</summary>
    public static void Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, Span<byte> digest32) => Hmac(key, data, [], digest32);

    public static void Hmac(scoped ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest32)
    {
        CheckDigest(digest32, HashSize);
        Span<byte> work = stackalloc byte[2 * HashSize];
        var inner = work[..HashSize];
        if (key.Length > BlockSize)
        {
            Hash(key, work[HashSize..]);
            key = work[HashSize..];
        }

        var state = new State(HashSize, keySize: 0);
        state.UpdateBlock(key, pad: 0x36);
        state.Update(first);
        state.Update(second);
        state.Finish(inner);

        state = new State(HashSize, keySize: 0);
        state.UpdateBlock(key, pad: 0x5c);
        state.Update(inner);
        state.Finish(digest32);
        state.Clear();
        CryptographicOperations.ZeroMemory(work);
    }

    private static void CheckDigest(Span<byte> digest, int size)
    {
        if (digest.Length != size)
            throw new ArgumentException($"The digest has {size} bytes.", nameof(digest));
    }

    /// <summary>The chained state and the block that is not yet full. The last block is compressed only by <see cref="Finish"/>.</summary>
    private unsafe struct State
    {
        private fixed uint _h[8];
        private fixed byte _block[BlockSize];
        private ulong _count;
        private int _filled;

        public State(int digestSize, int keySize)
        {
            // RFC 7693 §2.5: parameter block with fanout 1 and depth 1.
            _h[0] = Blake2sCompression.Iv0 ^ 0x0101_0000 ^ ((uint)keySize << 8) ^ (uint)digestSize;
            _h[1] = Blake2sCompression.Iv1;
            _h[2] = Blake2sCompression.Iv2;
            _h[3] = Blake2sCompression.Iv3;
            _h[4] = Blake2sCompression.Iv4;
            _h[5] = Blake2sCompression.Iv5;
            _h[6] = Blake2sCompression.Iv6;
            _h[7] = Blake2sCompression.Iv7;
            _count = 0;
            _filled = 0;
        }

        private Span<byte> Block => MemoryMarshal.CreateSpan(ref _block[0], BlockSize);

        /// <summary>A key as a whole first block: filled up with zeros, then each byte XOR <paramref name="pad"/>.</summary>
        public void UpdateBlock(ReadOnlySpan<byte> key, byte pad)
        {
            var block = Block;
            block.Clear();
            key.CopyTo(block);
            if (pad != 0)
            {
                var padWord = pad * 0x0101_0101_0101_0101UL;
                foreach (ref var word in MemoryMarshal.Cast<byte, ulong>(block))
                    word ^= padWord;
            }
            _filled = BlockSize;
        }

        public void Update(ReadOnlySpan<byte> data)
        {
            while (data.Length > 0)
            {
                if (_filled == BlockSize)
                {
                    _count += BlockSize;
                    Blake2sCompression.Compress(ref _h[0], ref _block[0], _count, last: false);
                    _filled = 0;
                }
                var taken = Math.Min(BlockSize - _filled, data.Length);
                data[..taken].CopyTo(Block[_filled..]);
                _filled += taken;
                data = data[taken..];
            }
        }

        public void Finish(Span<byte> digest)
        {
            Block[_filled..].Clear();
            _count += (uint)_filled;
            Blake2sCompression.Compress(ref _h[0], ref _block[0], _count, last: true);
            var words = MemoryMarshal.CreateSpan(ref _h[0], 8);
            if (!BitConverter.IsLittleEndian)
                BinaryPrimitives.ReverseEndianness(words, words);
            MemoryMarshal.AsBytes(words)[..digest.Length].CopyTo(digest);
        }

        /// <summary>State and block are derived from secrets wherever the hash is used with a key.</summary>
        public void Clear()
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref _h[0], 8)));
            CryptographicOperations.ZeroMemory(Block);
        }
    }
}
