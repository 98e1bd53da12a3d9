using System.Globalization;
using System.Net;
using System.Numerics;

namespace UdpGateway.Cli.Templates;

/// <summary><c>Fn::Cidr</c>: consecutive blocks of equal size within a block.</summary>
internal static class CidrBlocks
{
    /// <param name="hostBits">Bits of each result that are left to hosts; 8 makes a /24 of IPv4.</param>
    /// <param name="problem">A sentence without its subject when the answer is null.</param>
    public static IReadOnlyList<string>? Split(string block, string count, string hostBits, out string problem)
    {
        problem = "";
        if (!IPNetwork.TryParse(block, out var network))
        {
            problem = $"'{block}' is no CIDR block such as 10.0.0.0/16.";
            return null;
        }

        var width = network.BaseAddress.GetAddressBytes().Length * 8;
        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var blocks) || blocks is < 1 or > 256)
        {
            problem = $"The count is '{count}'; it must be 1 to 256.";
            return null;
        }

        if (!int.TryParse(hostBits, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) || bits < 1 || bits > width - network.PrefixLength)
        {
            problem = $"The host bits are '{hostBits}'; within {block} they must be 1 to {width - network.PrefixLength}.";
            return null;
        }

        if (BigInteger.One << (width - network.PrefixLength - bits) < blocks)
        {
            problem = $"{block} has no room for {blocks} blocks of {bits} host bits.";
            return null;
        }

        var first = new BigInteger(network.BaseAddress.GetAddressBytes(), isUnsigned: true, isBigEndian: true);
        return [.. Enumerable.Range(0, blocks).Select(index => $"{Address(first + (index * (BigInteger.One << bits)), width / 8)}/{width - bits}")];
    }

    private static IPAddress Address(BigInteger value, int bytes)
    {
        var address = new byte[bytes];
        var digits = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        digits.CopyTo(address, bytes - digits.Length);
        return new IPAddress(address);
    }
}
