using System.Runtime.InteropServices;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Gateway;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Gateway.Fleets;
using UdpGateway.Listeners.Storage;

const string Health = "--health";

// Settings come from the command line (--store DIR, or --store dynamodb --table NAME) or the environment (UDPGW_STORE, UDPGW_TABLE).
var settings = GatewaySettings.Load(args.Where(argument => argument != Health));
try
{
    if (args.Contains(Health))
        return await HealthCheck.RunAsync(GatewaySettings.AdminPort(settings), Console.Out);

    var storeName = settings["store"] ?? throw new FormatException("Say which store to serve: --store DIRECTORY, or --store dynamodb --table NAME.");
    var options = GatewaySettings.Read(settings);
    var logsJson = GatewaySettings.LogsJson(settings);
    using var loggers = LoggerFactory.Create(logging => _ = logsJson
        ? logging.AddJsonConsole(console => (console.UseUtcTimestamp, console.TimestampFormat) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"))
        : logging.AddSimpleConsole(console => console.SingleLine = true));

    AwsHttpClientFactory.Install();
    var credentials = DefaultAWSCredentialsIdentityResolver.GetCredentials();
    using var stores = storeName == "dynamodb"
        ? GatewayStores.OnAws(credentials, options.Region, settings["table"] ?? throw new FormatException("Say which table to follow: --table NAME."))
        : GatewayStores.InDirectory(storeName);
    using var clients = new AwsDestinationClients(credentials, options.Region);
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    var membership = await FleetTask.ReadAsync(settings, CancellationToken.None);
    // Without a fleet, its other tasks are those that the settings name.
    var peers = membership is null || options.Relay is null ? null : new FleetPeers(options.Relay.Port);
    if (peers is not null)
        options = options with { Relay = options.Relay! with { Peers = () => peers.Others } };
    await using var host = await GatewayHost.StartAsync(options, stores.Listeners, stores.Secrets, clients, loggers, CancellationToken.None);
    using var fleet = membership is null ? null : FleetTask.Join(membership, credentials, options, settings["table"] ?? throw new FormatException("A fleet follows a table: --store dynamodb --table NAME."), host, peers, loggers);
    await stop.Task;
    var stopping = host.StopAsync();
    if (fleet is not null)
        await fleet.LeaveAsync(stopping);
    await stopping;
    return 0;

    void Stop(PosixSignalContext signal)
    {
        // The gateway drains first; a second signal is for those who cannot wait, and ends the process.
        signal.Cancel = stop.TrySetResult();
    }
}
catch (Exception mistake) when (mistake is ArgumentException or FormatException or EmbeddedStoreException or AwsServiceException or AmazonClientException or HttpRequestException)
{
    await Console.Error.WriteLineAsync(mistake.Message);
    return 1;
}
