using System.Buffers.Binary;
using System.Numerics;

namespace UdpGateway.WireGuard.Peers;

/// <summary>
/// SipHash-2-4 (Aumasson and Bernstein 2012) of 32-byte keys. Strangers choose their static keys, so places in tables
/// and the choice of the owning worker must not be predictable.
/// </summary>
internal readonly struct KeyHash
{
    private readonly ulong _k0;
    private readonly ulong _k1;

    /// <param name="seed">16 secret bytes.</param>
    public KeyHash(ReadOnlySpan<byte> seed)
    {
        _k0 = BinaryPrimitives.ReadUInt64LittleEndian(seed);
        _k1 = BinaryPrimitives.ReadUInt64LittleEndian(seed[8..]);
    }

    /// <param name="data">Any length; its length is part of the hash.</param>
    public ulong Compute(ReadOnlySpan<byte> data)
    {
        var state = new State(_k0, _k1);
        var length = data.Length;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
            state.Absorb(BinaryPrimitives.ReadUInt64LittleEndian(data));
        var last = (ulong)length << 56;
        for (var i = 0; i < data.Length; i++)
            last |= (ulong)data[i] << (8 * i);
        state.Absorb(last);
        return state.Finish();
    }

    private struct State(ulong k0, ulong k1)
    {
        private ulong _v0 = k0 ^ 0x736f6d6570736575;
        private ulong _v1 = k1 ^ 0x646f72616e646f6d;
        private ulong _v2 = k0 ^ 0x6c7967656e657261;
        private ulong _v3 = k1 ^ 0x7465646279746573;

        public void Absorb(ulong word)
        {
            _v3 ^= word;
            Round();
            Round();
            _v0 ^= word;
        }

        public ulong Finish()
        {
            _v2 ^= 0xff;
            for (var i = 0; i < 4; i++)
                Round();
            return _v0 ^ _v1 ^ _v2 ^ _v3;
        }

        private void Round()
        {
            _v0 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 13) ^ _v0;
            _v0 = BitOperations.RotateLeft(_v0, 32);
            _v2 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 16) ^ _v2;
            _v0 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 21) ^ _v0;
            _v2 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 17) ^ _v2;
            _v2 = BitOperations.RotateLeft(_v2, 32);
        }
    }
}
