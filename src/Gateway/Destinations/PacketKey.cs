using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using UdpGateway.Gateway.Batching;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Expressions;

namespace UdpGateway.Gateway.Destinations;

/// <summary>A key that an expression takes from the payload, such as a queue's message group.</summary>
internal sealed class PacketKey
{
    private readonly Expression _expression;
    private readonly PayloadFormatter _formatter;
    private readonly int _maxLength;
    private readonly bool _isPrintable;

    private PacketKey(Expression expression, PayloadFormatter formatter, int maxLength, bool isPrintable)
    {
        _expression = expression;
        _formatter = formatter;
        _maxLength = maxLength;
        _isPrintable = isPrintable;
    }

    /// <summary>Null when the destination declares none.</summary>
    /// <param name="declared">The argument.</param>
    /// <param name="maxLength">Of the service, in characters; a longer key is replaced by its SHA-256 in hex, so that equal keys stay equal.</param>
    /// <param name="isPrintable">Whether the service takes letters, digits and punctuation of ASCII only; another key is replaced likewise.</param>
    /// <exception cref="ListenerNotServedException">The stored expression is none.</exception>
    public static PacketKey? Create(KeyExpression? declared, int maxLength, bool isPrintable = false)
    {
        if (declared is null)
            return null;
        return Expression.TryParse(declared.Expression, out var expression, out var error)
            ? new PacketKey(expression, declared.Formatter, maxLength, isPrintable)
            : throw new ListenerNotServedException($"\"{declared.Expression}\" is no valid expression: {error}");
    }

    /// <summary>Null when the expression yields nothing, or nothing but an empty text.</summary>
    public string? Of(ReadOnlySpan<byte> payload)
    {
        var key = _expression.Format(payload, _formatter);
        if (string.IsNullOrEmpty(key))
            return null;
        var isTaken = key.Length <= _maxLength && !(_isPrintable && key.AsSpan().ContainsAnyExceptInRange('!', '~'));
        return isTaken ? key : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }

    /// <summary>The client as <c>address:port</c>.</summary>
    public static string OfClient(in PacketOrigin origin) =>
        string.Create(CultureInfo.InvariantCulture, $"{AddressOf(origin)}:{origin.Route.Endpoint.Port}");

    public static string AddressOf(in PacketOrigin origin)
    {
        Span<byte> bytes = stackalloc byte[16];
        var endpoint = origin.Route.Endpoint;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, endpoint.High);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], endpoint.Low);
        return new IPAddress(endpoint.IsIPv4 ? bytes[12..] : bytes).ToString();
    }
}
