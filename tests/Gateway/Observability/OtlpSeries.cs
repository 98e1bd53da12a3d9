using System.Buffers.Binary;
using System.Text;

namespace UdpGateway.Gateway.Tests.Observability;

/// <summary>One data point of an OTLP export request.</summary>
/// <param name="Value">Of a histogram the count.</param>
/// <remarks>Source: opentelemetry/proto/metrics/v1/metrics.proto; only what the tests look at.</remarks>
internal sealed record OtlpSeries(string Metric, IReadOnlyDictionary<string, string> Attributes, double Value)
{
    public static List<OtlpSeries> Read(byte[] request)
    {
        var series = new List<OtlpSeries>();
        foreach (var metric in At(request, 1).SelectMany(resource => At(resource, 2)).SelectMany(scope => At(scope, 2)))
        {
            var name = Encoding.UTF8.GetString(At(metric, 1).Single());
            // 5 gauge and 7 sum hold points with 4 as_double and 7 attributes; 9 histogram with 4 count and 9 attributes.
            foreach (var point in At(metric, 5).Concat(At(metric, 7)).SelectMany(data => At(data, 1)))
                series.Add(new OtlpSeries(name, AttributesOf(point, 7), BinaryPrimitives.ReadDoubleLittleEndian(At(point, 4).Single())));
            foreach (var point in At(metric, 9).SelectMany(data => At(data, 1)))
                series.Add(new OtlpSeries(name, AttributesOf(point, 9), BinaryPrimitives.ReadUInt64LittleEndian(At(point, 4).Single())));
        }

        return series;
    }

    /// <summary>Names and values of the resource's attributes.</summary>
    public static List<string> ResourceTexts(byte[] request) =>
        [.. At(request, 1).SelectMany(resource => At(resource, 1)).SelectMany(resource => AttributesOf(resource, 1)).SelectMany(attribute => new[] { attribute.Key, attribute.Value })];

    private static Dictionary<string, string> AttributesOf(byte[] message, int number) => At(message, number).ToDictionary(
        attribute => Encoding.UTF8.GetString(At(attribute, 1).Single()),
        attribute => string.Concat(At(attribute, 2).SelectMany(value => At(value, 1)).Select(Encoding.UTF8.GetString)),
        StringComparer.Ordinal);

    /// <summary>The fields of that number, each as its bytes.</summary>
    private static List<byte[]> At(byte[] message, int number)
    {
        var found = new List<byte[]>();
        var position = 0;
        while (position < message.Length)
        {
            var key = Varint(message, ref position);
            var start = position;
            var length = (key & 7) switch
            {
                0 => Skip(message, position),
                1 => sizeof(ulong),
                2 => (int)Varint(message, ref start),
                5 => sizeof(uint),
                var type => throw new FormatException($"Wire type {type} is none of protobuf's."),
            };
            if ((int)(key >> 3) == number)
                found.Add(message[start..(start + length)]);
            position = start + length;
        }

        return found;
    }

    private static int Skip(byte[] message, int position)
    {
        var end = position;
        Varint(message, ref end);
        return end - position;
    }

    private static ulong Varint(byte[] message, ref int position)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var octet = message[position++];
            value |= (ulong)(octet & 0x7f) << shift;
            if (octet < 0x80)
                return value;
        }
    }
}
