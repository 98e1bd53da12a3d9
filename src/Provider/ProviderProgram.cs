using System.Runtime.InteropServices;
using System.Text.Json;
using Amazon.Runtime.Credentials;
using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Listeners;

namespace UdpGateway.Provider;

/// <summary>The life of the Lambda process: read the settings, put the provider together, handle invocations.</summary>
internal static partial class ProviderProgram
{
    // An Event invocation is only queued; what takes longer than this has failed.
    private static readonly TimeSpan InvokeTimeout = TimeSpan.FromSeconds(5);

    /// <param name="compose">Chooses the parts; what it throws is reported as the reason why the process cannot start.</param>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(Func<ProviderSettings, ILoggerFactory, ProviderBacking> compose)
    {
        using var loggers = new LoggerFactory([new InvocationLog(Console.Out)]);
        if (Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API") is not { Length: > 0 } runtimeApi)
        {
            await Console.Error.WriteLineAsync("This program is a Lambda function and runs under Lambda only (AWS_LAMBDA_RUNTIME_API is not set). To serve a template on this machine, run `udpgw up`.");
            return 1;
        }

        using var loop = new LambdaRuntimeLoop(runtimeApi, loggers.CreateLogger<LambdaRuntimeLoop>());
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            stop.Cancel();
        });
        using var client = CustomResourceHandler.CreateResponseClient();
        CustomResourceHandler handler;
        FleetSweep? sweep;
        LambdaClient lambda;
        try
        {
            var settings = ProviderSettings.Read(Environment.GetEnvironmentVariable);
            var backing = compose(settings, loggers);
            handler = new CustomResourceHandler(
                backing.Options, backing.Store, backing.Secrets, backing.Provisioner, client, TimeProvider.System, loggers.CreateLogger<CustomResourceHandler>(), backing.PacketSources);
            sweep = backing.Sweep;
            lambda = new LambdaClient(DefaultAWSCredentialsIdentityResolver.GetCredentials(), settings.Region, timeout: InvokeTimeout);
        }
        catch (Exception exception)
        {
            Log.NotStarted(loggers.CreateLogger(nameof(ProviderProgram)), exception);
            await loop.ReportInitErrorAsync(exception);
            return 1;
        }

        BindOnce();
        using (lambda)
        {
            await loop.RunAsync(
                invocation => FleetEvent.TryParse(invocation.Payload, out var fleetEvent)
                    ? SweepAsync(sweep, fleetEvent, invocation.Deadline)
                    : handler.HandleAsync(
                        invocation.Payload,
                        invocation.Deadline,
                        (payload, token) => lambda.InvokeAsync(new InvokeRequest(invocation.FunctionArn, InvocationType.Event, payload), token),
                        CancellationToken.None),
                stop.Token);
        }

        return 0;
    }

    /// <summary>
    /// Loads what binding and validation consist of, a fifth of a first Create's processor time, before there is an event. By the function's memory
    /// Lambda limits the processor of events; of starting it documents no limit but ten seconds, and users measure more of a processor.
    /// </summary>
    private static void BindOnce()
    {
        using var properties = JsonDocument.Parse("""
            {
              "Protocols": ["wg"],
              "AllowUnknownPeers": "true",
              "Destinations": [{
                "DestinationArn": "arn:aws:lambda:us-west-2:123456789012:function:any",
                "Role": "arn:aws:iam::123456789012:role/any",
                "Batching": { "Count": "1", "TimeoutInSeconds": "1" }
              }]
            }
            """);
        ListenerProperties.Bind(properties.RootElement, new BindingContext { StackId = "arn:aws:cloudformation:us-west-2:123456789012:stack/any/1", LogicalResourceId = "Any" });
    }

    /// <summary>An event of EventBridge, to which nobody waits for an answer.</summary>
    private static async Task SweepAsync(FleetSweep? sweep, FleetEvent? fleetEvent, DateTimeOffset deadline)
    {
        if (sweep is null || fleetEvent is null)
            return;
        using var timeout = new CancellationTokenSource(new WorkTime(deadline, TimeProvider.System).UntilAbandoned);
        await sweep.RunAsync(fleetEvent, timeout.Token);
    }

    private static partial class Log
    {
        [LoggerMessage(2311, LogLevel.Critical, "The provider cannot start.")]
        public static partial void NotStarted(ILogger logger, Exception exception);
    }
}
