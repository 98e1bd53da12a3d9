using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;

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
    private readonly IReplySink _replies;

    public StepFunctionsDestination(DestinationContext context)
    {
        _stateMachine = context.Arn.ToString();
        _writer = new RequestPacketWriter(context.Facts);
        _stepFunctions = new StepFunctionsClient(context.Connection);
        _type = new SharedLookup<StateMachineType>(token => _stepFunctions.DescribeStateMachineAsync(_stateMachine, token));
        _retries = context.Retries;
        _replies = context.Replies;
    }

    public DestinationLimits Limits => new(MaxInput, MaxPackets);

    public async Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        // What the type is asked for changes nothing, so that is repeated for both.
        var type = default(StateMachineType);
        var found = await WholeSender.SendAsync(_retries, batch.Count, async token => type = await _type.GetAsync(token), cancellationToken);
        if (found.Result != DeliveryResult.Delivered)
            return found with { Retried = 0 };

        return await WholeSender.HalvingAsync(
            BatchPart.Whole(batch), _replies, type == StateMachineType.Express ? RunAsync : StartAsync, RetryPolicy.IsTooLarge, cancellationToken);
    }

    private async Task<DeliveryOutcome> RunAsync(BatchPart part, CancellationToken cancellationToken)
    {
        using var input = Write(part);
        var execution = await _stepFunctions.StartSyncExecutionAsync(_stateMachine, input.WrittenMemory, cancellationToken);
        return execution.Error is { } error
            ? new DeliveryOutcome(DeliveryResult.FunctionError, Problem: $"the execution failed: {error}")
            : new DeliveryOutcome(DeliveryResult.Delivered, execution.Output);
    }

    private async Task<DeliveryOutcome> StartAsync(BatchPart part, CancellationToken cancellationToken)
    {
        using var input = Write(part);
        // Chosen once: the service starts one execution for each name, so that a repeated call does not start another.
        var name = Guid.NewGuid().ToString();
        return await WholeSender.SendAsync(_retries, part.Count, token => _stepFunctions.StartExecutionAsync(_stateMachine, name, input.WrittenMemory, token), cancellationToken);
    }

    private PooledBuffer Write(BatchPart part)
    {
        var input = new PooledBuffer(part.EncodedSize + RequestPacketWriter.EnvelopeSize);
        _writer.Write(input, part);
        return input;
    }
}
