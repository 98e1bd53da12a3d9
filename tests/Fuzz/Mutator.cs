namespace UdpGateway.Fuzz;

/// <summary>Makes new inputs of old ones without looking at what they reach; the same seed makes the same inputs.</summary>
public sealed class Mutator(IReadOnlyList<byte[]> corpus, int seed)
{
    private const int MaxLength = 4096;

    private readonly Random _random = new(seed);

    public byte[] Next()
    {
        var bytes = new List<byte>(Pick());
        for (var count = _random.Next(1, 9); count > 0; count--)
            Mutate(bytes);
        return [.. bytes];
    }

    private byte[] Pick() => corpus[_random.Next(corpus.Count)];

    private void Mutate(List<byte> bytes)
    {
        var position = bytes.Count == 0 ? 0 : _random.Next(bytes.Count);
        switch (_random.Next(7))
        {
            case 0 when bytes.Count > 0:
                bytes[position] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when bytes.Count > 0:
                bytes[position] = (byte)_random.Next(256);
                break;
            case 2 when bytes.Count > 0:
                bytes[position] = _random.GetItems((byte[])[0, 1, 0x7f, 0x80, 0xff], 1)[0];
                break;
            case 3:
                bytes.RemoveRange(position, _random.Next(Math.Min(bytes.Count - position, 64) + 1));
                break;
            case 4 when bytes.Count < MaxLength:
                bytes.InsertRange(position, new byte[_random.Next(65)]);
                break;
            case 5:
                // The beginning of one input before the end of another.
                var other = Pick();
                bytes.RemoveRange(position, bytes.Count - position);
                bytes.AddRange(other.AsSpan(Math.Min(position, other.Length)));
                break;
            default:
                for (var i = position; i < Math.Min(bytes.Count, position + 4); i++)
                    bytes[i] = (byte)_random.Next(256);
                break;
        }
    }
}
