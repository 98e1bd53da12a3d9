using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Destinations;

/// <summary>
/// One execution per batch. Express: what it returns are the replies. Standard: it is only started, and there are no replies.
/// </summary>
internal sealed class StepFunctionsDestination : IDestination
{
    // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    private const long MaxInput = 256 * 1024;
    private const int MaxPackets = 10_000;

    private readonly string _stateMachine;
    private readonly RequestPacketWriter _writer;
    private readonly StepFunctionsClient _stepFunctions;
    private readonly SharedLookup<StateMachineType> _type;
    private readonly RetryPolicy _retries;

    public StepFunctionsDestination(DestinationContext context)
    {
        _stateMachine = context.Arn.ToString();
        _writer = new RequestPacketWriter(context.Facts);
        _stepFunctions = new StepFunctionsClient(context.Connection);
        _type = new SharedLookup<StateMachineType>(token => _stepFunctions.DescribeStateMachineAsync(_stateMachine, token));
        _retries = context.Retries;
    }

    public DestinationLimits Limits => new(MaxInput, MaxPackets);

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        using var input = new PooledBuffer((int)batch.EncodedSize + RequestPacketWriter.EnvelopeSize);
        _writer.Write(input, batch);

        // What the type is asked for changes nothing, so that is repeated for both.
        var type = default(StateMachineType);
        var found = await WholeSender.SendAsync(_retries, batch.Count, async token => type = await _type.GetAsync(token), cancellationToken);
        if (found.Result != DeliveryResult.Delivered)
            return found with { Retried = 0 };

        return type == StateMachineType.Express
            ? await RunAsync(input.WrittenMemory, cancellationToken)
            : await StartAsync(input.WrittenMemory, batch.Count, cancellationToken);
    }

    private async Task<DeliveryOutcome> RunAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        var execution = await _stepFunctions.StartSyncExecutionAsync(_stateMachine, input, cancellationToken);
        return execution.Error is { } error
            ? new DeliveryOutcome(DeliveryResult.FunctionError, Problem: $"the execution failed: {error}")
            : new DeliveryOutcome(DeliveryResult.Delivered, execution.Output);
    }

    private Task<DeliveryOutcome> StartAsync(ReadOnlyMemory<byte> input, int packets, CancellationToken cancellationToken)
    {
        // Chosen once: the service starts one execution for each name, so that a repeated call does not start another.
        var name = Guid.NewGuid().ToString();
        return WholeSender.SendAsync(_retries, packets, token => _stepFunctions.StartExecutionAsync(_stateMachine, name, input, token), cancellationToken);
    }
}
