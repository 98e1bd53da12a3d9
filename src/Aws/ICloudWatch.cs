namespace UdpGateway.Aws;

/// <summary>The operation of Amazon CloudWatch that the gateway calls, named after the API's own.</summary>
public interface ICloudWatch
{
    /// <summary>At most 1,000 metrics. Not repeated on failure.</summary>
    /// <param name="metricNamespace">1 to 255 characters; those of services begin with <c>AWS/</c> and are refused.</param>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task PutMetricDataAsync(string metricNamespace, IReadOnlyList<MetricDatum> metricData, CancellationToken cancellationToken);
}

/// <summary>What a metric was over a time: one value, or several as their statistics.</summary>
/// <param name="Unit">As the API names it: <c>Count</c>, <c>Bytes</c>, <c>Milliseconds</c>.</param>
public sealed record MetricDatum(string MetricName, IReadOnlyList<KeyValuePair<string, string>> Dimensions, DateTimeOffset Timestamp, string Unit, StatisticSet StatisticValues);

/// <summary>Statistics of at least one sample.</summary>
public readonly record struct StatisticSet(double SampleCount, double Sum, double Minimum, double Maximum)
{
    /// <summary>One sample.</summary>
    public static StatisticSet Of(double value) => new(1, value, value, value);
}
