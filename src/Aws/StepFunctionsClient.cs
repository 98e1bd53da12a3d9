using System.Text;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>AWS Step Functions over HTTPS, JSON protocol.</summary>
/// <remarks>Source: AWS Step Functions API Reference, version 2016-11-23.</remarks>
public sealed class StepFunctionsClient : IStepFunctions
{
    private static readonly AwsService StepFunctions = new("SFN", SigningName: "states", EndpointPrefix: "states");

    // Synchronous executions have a host name of their own.
    private static readonly AwsService Synchronous = StepFunctions with { EndpointPrefix = "sync-states" };

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>An Express workflow runs at most five minutes.</summary>
    private static readonly TimeSpan SyncTimeout = TimeSpan.FromMinutes(6);

    private readonly IAwsTransport _transport;
    private readonly IAwsTransport _synchronous;

    public StepFunctionsClient(AwsConnection connection)
    {
        _transport = connection.Open(StepFunctions, AwsRetries.None, Timeout);
        _synchronous = connection.Open(Synchronous, AwsRetries.ThrottlingOnly, SyncTimeout);
    }

    public async Task<StateMachineType> DescribeStateMachineAsync(string stateMachineArn, CancellationToken cancellationToken)
    {
        var request = new DescribeStateMachine
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AWSStepFunctions.DescribeStateMachine", "1.0"),
            Body = JsonSerializer.SerializeToUtf8Bytes(new { stateMachineArn }),
            RecordedAnswer = "{\"type\":\"STANDARD\"}"u8.ToArray(),
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "SFN DescribeStateMachine");
        return AwsJson.Text(json.RootElement, "type") == "EXPRESS" ? StateMachineType.Express : StateMachineType.Standard;
    }

    public async Task<SyncExecution> StartSyncExecutionAsync(string stateMachineArn, ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(input.Length + (input.Length / 4) + 512);
        Write(body, stateMachineArn, null, input);
        var request = new StartSyncExecution
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AWSStepFunctions.StartSyncExecution", "1.0"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };

        var response = await _synchronous.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "SFN StartSyncExecution");
        return AwsJson.Text(json.RootElement, "status") switch
        {
            "SUCCEEDED" => new SyncExecution(null, Encoding.UTF8.GetBytes(AwsJson.Text(json.RootElement, "output") ?? "null")),
            "TIMED_OUT" => new SyncExecution("States.Timeout", default),
            // The cause may repeat the input and is left out.
            _ => new SyncExecution(AwsJson.Text(json.RootElement, "error") ?? "no error name", default),
        };
    }

    public async Task StartExecutionAsync(string stateMachineArn, string name, ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(input.Length + (input.Length / 4) + 512);
        Write(body, stateMachineArn, name, input);
        var request = new StartExecution
        {
            Method = HttpMethod.Post,
            Headers = AwsJson.Headers("AWSStepFunctions.StartExecution", "1.0"),
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };

        try
        {
            await _transport.SendAsync(request, cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode == "ExecutionAlreadyExists")
        {
            // An earlier attempt took effect unnoticed.
        }
    }

    private static void Write(PooledBuffer body, string stateMachineArn, string? name, ReadOnlyMemory<byte> input)
    {
        using var writer = AwsJson.Writer(body);
        writer.WriteStartObject();
        writer.WriteString("stateMachineArn", stateMachineArn);
        if (name is not null)
            writer.WriteString("name", name);
        writer.WriteString("input", input.Span);
        writer.WriteEndObject();
    }

    private sealed class DescribeStateMachine : AwsRequest;

    private sealed class StartSyncExecution : AwsRequest;

    private sealed class StartExecution : AwsRequest;
}
