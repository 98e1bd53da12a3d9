using System.Globalization;
using System.Text;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>Amazon CloudWatch over HTTPS, query protocol.</summary>
/// <remarks>Source: Amazon CloudWatch API Reference, version 2010-08-01.</remarks>
public sealed class CloudWatchClient(AwsConnection connection) : ICloudWatch
{
    private static readonly AwsService CloudWatch = new("CloudWatch", SigningName: "monitoring", EndpointPrefix: "monitoring");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(CloudWatch, AwsRetries.None, Timeout);

    public async Task PutMetricDataAsync(string metricNamespace, IReadOnlyList<MetricDatum> metricData, CancellationToken cancellationToken) =>
        await _transport.SendAsync(
            new PutMetricData
            {
                Method = HttpMethod.Post,
                Headers = [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
                Body = Form(metricNamespace, metricData),
                Recorded = connection.Records ? Json(metricNamespace, metricData) : null,
            },
            cancellationToken);

    private static byte[] Form(string metricNamespace, IReadOnlyList<MetricDatum> metricData)
    {
        var form = new StringBuilder("Action=PutMetricData&Version=2010-08-01&Namespace=").Append(Uri.EscapeDataString(metricNamespace));
        for (var index = 0; index < metricData.Count; index++)
        {
            var datum = metricData[index];
            var member = string.Create(CultureInfo.InvariantCulture, $"&MetricData.member.{index + 1}.");
            form.Append(member).Append("MetricName=").Append(Uri.EscapeDataString(datum.MetricName));
            for (var dimension = 0; dimension < datum.Dimensions.Count; dimension++)
            {
                var (name, value) = datum.Dimensions[dimension];
                form.Append(member).Append(CultureInfo.InvariantCulture, $"Dimensions.member.{dimension + 1}.Name=").Append(Uri.EscapeDataString(name));
                form.Append(member).Append(CultureInfo.InvariantCulture, $"Dimensions.member.{dimension + 1}.Value=").Append(Uri.EscapeDataString(value));
            }

            form.Append(member).Append("Timestamp=").Append(Uri.EscapeDataString(Text(datum.Timestamp)));
            form.Append(member).Append("Unit=").Append(Uri.EscapeDataString(datum.Unit));
            foreach (var (name, value) in Statistics(datum.StatisticValues))
                form.Append(member).Append("StatisticValues.").Append(name).Append('=').Append(value.ToString("R", CultureInfo.InvariantCulture));
        }

        return Encoding.ASCII.GetBytes(form.ToString());
    }

    // A form is hard to read: what is recorded is the input as SDKs and the command line take it.
    private static byte[] Json(string metricNamespace, IReadOnlyList<MetricDatum> metricData) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        Namespace = metricNamespace,
        MetricData = metricData.Select(datum => new
        {
            datum.MetricName,
            Dimensions = datum.Dimensions.Select(dimension => new { Name = dimension.Key, dimension.Value }),
            Timestamp = Text(datum.Timestamp),
            datum.Unit,
            StatisticValues = Statistics(datum.StatisticValues).ToDictionary(statistic => statistic.Name, statistic => statistic.Value),
        }),
    }, AwsJson.Relaxed);

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static (string Name, double Value)[] Statistics(StatisticSet set) =>
        [(nameof(set.SampleCount), set.SampleCount), (nameof(set.Sum), set.Sum), (nameof(set.Minimum), set.Minimum), (nameof(set.Maximum), set.Maximum)];

    private sealed class PutMetricData : AwsRequest;
}
