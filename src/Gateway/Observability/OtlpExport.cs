using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// Sends the numbers of <see cref="GatewayMetrics"/> by OTLP when OpenTelemetry's standard environment variables say where to; they
/// also set protocol, headers, interval and resource.
/// </summary>
internal sealed class OtlpExport : IDisposable
{
    private const string DefaultServiceName = "udpgw";
    private const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    private const int LastExportMilliseconds = 1000;

    private static readonly string[] EndpointVariables = [MetricsEndpoint, "OTEL_EXPORTER_OTLP_ENDPOINT"];

    private readonly MeterProvider _provider;

    private OtlpExport(MeterProvider provider) => _provider = provider;

    /// <summary>Null when nobody asks for it.</summary>
    /// <exception cref="FormatException">The endpoint is no address.</exception>
    public static OtlpExport? Start()
    {
        var isWanted = false;
        foreach (var name in EndpointVariables)
        {
            if (Variable(name) is not { } text)
                continue;
            isWanted = true;
            if (!Uri.TryCreate(text, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
                throw new FormatException($"{name} is \"{text}\"; it must be an http or https address.");
        }

        if (!isWanted || Variable("OTEL_METRICS_EXPORTER") is "none" || string.Equals(Variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase))
            return null;
        return new OtlpExport(Sdk.CreateMeterProviderBuilder()
            // The environment comes last, so that OTEL_SERVICE_NAME wins.
            .ConfigureResource(resource => resource.Clear().AddService(DefaultServiceName).AddTelemetrySdk().AddEnvironmentVariableDetector())
            .AddMeter(GatewayMetrics.MeterName)
            .AddOtlpExporter(PreferMetricVariables)
            .Build());
    }

    /// <summary>Sends the last numbers first, but does not wait long: a collector that is gone must not make a stop a kill.</summary>
    public void Dispose()
    {
        _provider.Shutdown(LastExportMilliseconds);
        _provider.Dispose();
    }

    /// <summary>The exporter itself reads only the variables that concern all signals; those for metrics come before them.</summary>
    private static void PreferMetricVariables(OtlpExporterOptions options)
    {
        if (Variable("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") is { } protocol)
            options.Protocol = protocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        if (Variable("OTEL_EXPORTER_OTLP_METRICS_HEADERS") is { } headers)
            options.Headers = headers;
        // Taken as it is, without a path added.
        if (Variable(MetricsEndpoint) is { } endpoint)
            options.Endpoint = new Uri(endpoint);
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? text : null;
}
