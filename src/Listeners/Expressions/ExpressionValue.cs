using System.Globalization;
using System.Text;

namespace UdpGateway.Listeners.Expressions;

public enum ExpressionValueKind : byte
{
    /// <summary>A read beyond the end, or what was computed from one.</summary>
    Nothing,

    /// <summary>A range or a byte literal. Comparisons give one byte, 1 or 0.</summary>
    Bytes,

    /// <summary>A <c>utf8[…]</c> read.</summary>
    Text,

    Integral,

    Real,
}

/// <summary>What an expression gives for one payload; valid as long as the payload is.</summary>
public readonly ref struct ExpressionValue
{
    // 64 bits, signed or unsigned: what typed reads give. What arithmetic takes beyond is nothing.
    private static readonly Int128 MinInteger = long.MinValue;
    private static readonly Int128 MaxInteger = ulong.MaxValue;

    private ExpressionValue(ExpressionValueKind kind, ReadOnlySpan<byte> bytes)
    {
        Kind = kind;
        Bytes = bytes;
    }

    private ExpressionValue(Int128 integer)
    {
        Kind = ExpressionValueKind.Integral;
        Integer = integer;
    }

    private ExpressionValue(double real)
    {
        Kind = ExpressionValueKind.Real;
        Real = real;
    }

    public ExpressionValueKind Kind { get; }

    /// <summary>Of <see cref="ExpressionValueKind.Bytes"/> and <see cref="ExpressionValueKind.Text"/>; else empty.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    public bool IsNothing => Kind == ExpressionValueKind.Nothing;

    public bool IsTrue => Kind switch
    {
        ExpressionValueKind.Bytes or ExpressionValueKind.Text => Bytes.ContainsAnyExcept((byte)0),
        ExpressionValueKind.Integral => Integer != 0,
        ExpressionValueKind.Real => Real != 0,
        _ => false,
    };

    internal static ExpressionValue Nothing => default;

    internal Int128 Integer { get; }

    internal double Real { get; }

    internal bool HasBytes => Kind is ExpressionValueKind.Bytes or ExpressionValueKind.Text;

    internal static ExpressionValue OfBytes(ReadOnlySpan<byte> bytes) => new(ExpressionValueKind.Bytes, bytes);

    internal static ExpressionValue OfText(ReadOnlySpan<byte> bytes) => new(ExpressionValueKind.Text, bytes);

    internal static ExpressionValue OfTruth(bool truth) => OfBytes(truth ? [1] : [0]);

    internal static ExpressionValue OfNumber(Int128 integer) => integer >= MinInteger && integer <= MaxInteger ? new ExpressionValue(integer) : Nothing;

    internal static ExpressionValue OfNumber(double real) => double.IsFinite(real) ? new ExpressionValue(real) : Nothing;

    /// <inheritdoc cref="Expression.Format"/>
    public string? Format(PayloadFormatter formatter) => Kind switch
    {
        ExpressionValueKind.Bytes => FormatBytes(Bytes, formatter),
        ExpressionValueKind.Text => Encoding.UTF8.GetString(Bytes),
        ExpressionValueKind.Integral => Integer.ToString(CultureInfo.InvariantCulture),
        ExpressionValueKind.Real => Real.ToString("R", CultureInfo.InvariantCulture),
        _ => null,
    };

    /// <inheritdoc cref="Expression.TryGetNumber"/>
    public bool TryGetNumber(out double number)
    {
        var value = AsNumber();
        number = value.Kind == ExpressionValueKind.Integral ? (double)value.Integer : value.Real;
        return !value.IsNothing;
    }

    /// <summary>An integer, a real, or nothing.</summary>
    internal ExpressionValue AsNumber() => Kind switch
    {
        ExpressionValueKind.Bytes => ReadBigEndian(Bytes),
        ExpressionValueKind.Text => ReadDecimal(Bytes),
        _ => this,
    };

    private static string FormatBytes(ReadOnlySpan<byte> bytes, PayloadFormatter formatter) => formatter switch
    {
        PayloadFormatter.Hex => Convert.ToHexString(bytes),
        PayloadFormatter.Base64 => Convert.ToBase64String(bytes),
        PayloadFormatter.Ascii => Encoding.ASCII.GetString(bytes),
        PayloadFormatter.Utf8 => Encoding.UTF8.GetString(bytes),
        _ => throw new ArgumentOutOfRangeException(nameof(formatter), formatter, "Not a text formatter."),
    };

    private static ExpressionValue ReadBigEndian(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return Nothing;
        var significant = bytes.TrimStart((byte)0);
        if (significant.Length > sizeof(ulong))
            return Nothing;
        var number = 0ul;
        foreach (var digit in significant)
            number = (number << 8) | digit;
        return OfNumber((Int128)number);
    }

    private static ExpressionValue ReadDecimal(ReadOnlySpan<byte> text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
            return OfNumber((Int128)integer);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) ? OfNumber(real) : Nothing;
    }
}
