using System.Net;
using System.Runtime.InteropServices;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

// Settings come from the command line (--store DIR) or the environment (UDPGW_STORE).
var settings = new ConfigurationBuilder().AddEnvironmentVariables("UDPGW_").AddCommandLine(args).Build();
using var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(console => console.SingleLine = true));
try
{
    var directory = settings["store"] ?? throw new FormatException("Say which store to serve: --store DIRECTORY.");
    var defaults = new GatewayOptions();
    var options = defaults with
    {
        BindAddress = IPAddress.Parse(settings["bind"] ?? "0.0.0.0"),
        LocalAddress = settings["local-address"] is { } address ? IPAddress.Parse(address) : null,
        AdminPort = settings.GetValue("admin-port", 9100),
        Workers = settings.GetValue("workers", Environment.ProcessorCount),
        DrainTime = TimeSpan.FromSeconds(settings.GetValue("drain-seconds", 110)),
        TimestampPolicy = TimestampPolicies.Parse(settings["timestamp-policy"] ?? "strict"),
        Region = settings["region"] ?? Environment.GetEnvironmentVariable("AWS_REGION") ?? defaults.Region,
        Domain = settings["domain"] ?? defaults.Domain,
    };

    using var store = new EmbeddedStore(directory);
    using var clients = new AwsDestinationClients(DefaultAWSCredentialsIdentityResolver.GetCredentials(), options.Region);
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    await using var host = await GatewayHost.StartAsync(options, store, store, clients, loggers, CancellationToken.None);
    await stop.Task;
    await host.StopAsync();
    return 0;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true; // the gateway drains first
        stop.TrySetResult();
    }
}
catch (Exception mistake) when (mistake is ArgumentException or FormatException or EmbeddedStoreException or AmazonClientException)
{
    await Console.Error.WriteLineAsync(mistake.Message);
    return 1;
}
