using System.Globalization;
using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// One object per batch, a line of JSON per packet, at <c>PREFIX/yyyy/MM/dd/HH/RANDOM.ndjson</c>; the hour, in UTC, is the one in
/// which the first packet arrived.
/// </summary>
internal sealed class S3Destination : IDestination
{
    private const string ContentType = "application/x-ndjson";

    private readonly string _bucket;
    private readonly string _prefix;
    private readonly S3Client _s3;
    private readonly RequestPacketWriter _writer;
    private readonly RetryPolicy _retries;

    public S3Destination(DestinationContext context)
    {
        var slash = context.Arn.Resource.IndexOf('/', StringComparison.Ordinal);
        _bucket = slash < 0 ? context.Arn.Resource : context.Arn.Resource[..slash];
        var prefix = slash < 0 ? "" : context.Arn.Resource[(slash + 1)..].TrimEnd('/');
        _prefix = prefix.Length == 0 ? "" : prefix + "/";
        _writer = new RequestPacketWriter(context.Facts);
        _s3 = new S3Client(context.Connection);
        _retries = context.Retries;
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var lines = EncodedPackets.AsJson(batch, _writer, lines: true);
        var first = DateTimeOffset.FromUnixTimeMilliseconds(batch[0].Origin.ReceivedAtUnixMilliseconds);
        // Chosen once: an attempt that took effect unnoticed is overwritten by the next, not doubled.
        var key = string.Create(CultureInfo.InvariantCulture, $"{_prefix}{first:yyyy'/'MM'/'dd'/'HH}/{Guid.NewGuid():N}.ndjson");

        return await WholeSender.SendAsync(_retries, batch.Count, token => _s3.PutObjectAsync(_bucket, key, ContentType, lines.All, token), cancellationToken);
    }
}
