using Microsoft.Extensions.Logging;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;
using UdpGateway.Provider.Resources;

namespace UdpGateway.Provider;

/// <summary>
/// The control path. 1 read the event → 2 bind → 3 validate (all problems at once) → 4 secrets → 5 store → 6 provision →
/// 7 wait until served → 8 respond. Steps 2 to 7 are the resource's (<see cref="ListenerResource"/>); step 8 is the only
/// exit: whatever happens before it, CloudFormation gets one valid answer before the deadline, and the same answer again
/// when the event comes again.
/// </summary>
public sealed partial class CustomResourceHandler
{
    // About as long as services are known to refuse for a moment. An address that nobody answers at must not stall a stack.
    private const int MaxRepetitions = 10;
    private static readonly TimeSpan RepetitionPause = TimeSpan.FromSeconds(3);

    private readonly ProviderOptions _options;
    private readonly IListenerStore _store;
    private readonly CustomResources _resources;
    private readonly ResponseSender _sender;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <param name="responseClient">From <see cref="CreateResponseClient"/>.</param>
    /// <param name="packetSources">Null where packet sources cannot be had; they are then refused.</param>
    public CustomResourceHandler(
        ProviderOptions options, IListenerStore store, ISecretStore secrets, IListenerProvisioner provisioner,
        HttpClient responseClient, TimeProvider time, ILogger<CustomResourceHandler> logger, IPacketSourceProvisioner? packetSources = null)
    {
        _options = options;
        _store = store;
        _resources = new CustomResources(
            options,
            secrets,
            new ListenerResource(options, store, new ListenerSecrets(secrets, time), provisioner, logger),
            new DestinationArnResource(options, store, provisioner, logger),
            packetSources is null ? null : new PacketSourceResource(store, packetSources, logger),
            provisioner is AwsProvisioner aws ? new FleetResource(store, aws.Fleets, secrets, logger) : null);
        _sender = new ResponseSender(responseClient, time, logger);
        _time = time;
        _logger = logger;
    }

    /// <summary>A client that follows no redirect: an answer goes where CloudFormation said and nowhere else.</summary>
    public static HttpClient CreateResponseClient() =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false }, disposeHandler: true);

    /// <param name="cloudFormationEvent">JSON, direct or in an SNS envelope.</param>
    /// <param name="deadline">When the process may be stopped; the work is given up earlier, so that the answer still arrives.</param>
    /// <exception cref="ResponseUndeliveredException">Nobody took the answer. Handling the event again sends the same one.</exception>
    public Task HandleAsync(ReadOnlyMemory<byte> cloudFormationEvent, DateTimeOffset deadline, CancellationToken cancellationToken) =>
        HandleAsync(cloudFormationEvent, deadline, invokeAgain: null, cancellationToken);

    /// <param name="payload">The event, or the envelope in which <paramref name="invokeAgain"/> was given it.</param>
    /// <param name="invokeAgain">Has a payload handled in an invocation of its own, later; null where nobody can do that.</param>
    internal async Task HandleAsync(
        ReadOnlyMemory<byte> payload, DateTimeOffset deadline, Func<ReadOnlyMemory<byte>, CancellationToken, Task>? invokeAgain, CancellationToken cancellationToken)
    {
        // 1 read the event
        var continuation = Continuation.Unwrap(payload, _time.GetUtcNow(), out var cloudFormationEvent);
        if (!CustomResourceEvent.TryParse(cloudFormationEvent, out var request))
        {
            Log.NotAnEvent(_logger, cloudFormationEvent.Length);
            return;
        }

        if (!ResponseUrl.TryParse(request.ResponseUrl, request.StackId, _options, out var responseUrl))
        {
            Log.ForeignResponseUrl(_logger, request.Key.RequestId);
            return;
        }

        // 2 to 7
        Log.Received(_logger, request.RequestTypeText, request.LogicalResourceId, request.Key.RequestId, continuation.Number);
        var limit = continuation.Since + (request.ServiceTimeout is { } timeout && timeout < _options.TimeLimit ? timeout : _options.TimeLimit);
        var mayContinue = invokeAgain is not null && !continuation.IsLast && deadline < limit;
        var time = new WorkTime(deadline < limit ? deadline : limit, _time);
        var body = await DecideAsync(request, time, mayContinue ? token => invokeAgain!(continuation.WrapNext(cloudFormationEvent), token) : null, cancellationToken);
        if (body is not { } decided)
            return;

        // 8 respond
        if (!await _sender.TrySendAsync(responseUrl, decided, time.Deadline))
            throw new ResponseUndeliveredException($"CloudFormation did not take the answer to request {request.Key.RequestId} before the deadline.");
        await AcknowledgeAsync(request, decided, time);
    }

    /// <summary>The answer that holds for this event, or null when another invocation goes on with it; never throws.</summary>
    private async Task<ReadOnlyMemory<byte>?> DecideAsync(CustomResourceEvent request, WorkTime time, Func<CancellationToken, Task>? continueLater, CancellationToken cancellationToken)
    {
        using var timeUp = new CancellationTokenSource(time.ForWork, _time);
        using var work = CancellationTokenSource.CreateLinkedTokenSource(timeUp.Token, cancellationToken);
        using var timeout = new CancellationTokenSource(time.UntilAbandoned, _time);
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        CustomResourceAnswer answer;
        try
        {
            // On another thread and abandoned when time is up: neither a store nor a resource that hangs can keep the answer.
            var state = await Task.Run(() => _store.BeginRequestAsync(request.Key, work.Token), work.Token).WaitAsync(abandoned.Token);
            if (state.Answer is { } decided)
            {
                Log.Replayed(_logger, request.Key.RequestId);
                return decided;
            }

            answer = await Task.Run(() => ApplyAsync(request, state, work.Token), work.Token).WaitAsync(abandoned.Token);
            if (!answer.Fits(request))
                answer = CustomResources.Failure(request, $"The answer would be longer than the {CustomResourceAnswer.MaxBodySize:N0} bytes that CloudFormation takes; use fewer or shorter names.");
        }
        catch (Exception exception) when (exception is RequestRefusedException or ProvisioningException or RecordTooLargeException)
        {
            answer = CustomResources.Failure(request, exception.Message);
        }
        catch (NotYetServedException exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.NotYetServed(_logger, request.LogicalResourceId, request.Key.RequestId, exception.Message);
            if (continueLater is not null && await TryContinueAsync(request, continueLater, time))
                return null;
            answer = CustomResources.Failure(request, $"{CustomResources.Unfinished(request)} {exception.Message}");
        }
        catch (AwsServiceException exception)
        {
            Log.Unexpected(_logger, exception, request.Key.RequestId);
            answer = CustomResources.Failure(request, RepeatedSteps.Sentence(exception));
        }
        catch (Exception exception) when (exception is NotYetServedException || (exception is OperationCanceledException && (work.IsCancellationRequested || abandoned.IsCancellationRequested)))
        {
            answer = CustomResources.Failure(request, cancellationToken.IsCancellationRequested
                ? "The provider was stopped before the request was finished."
                : "The request was not finished in the time that it has; the provider's log tells how far it came.");
        }
        catch (Exception exception)
        {
            Log.Unexpected(_logger, exception, request.Key.RequestId);
            answer = CustomResources.Failure(request, $"The provider failed with {exception.GetType().Name}; its log has the details under request id {request.Key.RequestId}.");
        }

        if (answer.Reason is not null)
            Log.Failed(_logger, request.LogicalResourceId, request.Key.RequestId, answer.Reason);
        return await SettleAsync(request, answer, time);
    }

    /// <summary>Every resource may be repeated, so that what an AWS service cannot do for a moment is no failure of the event.</summary>
    private async Task<CustomResourceAnswer> ApplyAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        for (var repetition = 1; ; repetition++)
        {
            try
            {
                return await _resources.ApplyAsync(request, state, cancellationToken);
            }
            catch (AwsServiceException failure) when (RepeatedSteps.IsTransient(failure) && repetition <= MaxRepetitions)
            {
                Log.Repeated(_logger, request.Key.RequestId, failure.Message);
                try
                {
                    await Task.Delay(RepetitionPause, _time, cancellationToken);
                }
                catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
                {
                    throw new NotYetServedException(RepeatedSteps.Sentence(failure), exception);
                }
            }
        }
    }

    private async Task<bool> TryContinueAsync(CustomResourceEvent request, Func<CancellationToken, Task> continueLater, WorkTime time)
    {
        using var timeout = new CancellationTokenSource(time.ToContinue, _time);
        try
        {
            await Task.Run(() => continueLater(timeout.Token), timeout.Token).WaitAsync(timeout.Token);
            Log.Continued(_logger, request.LogicalResourceId, request.Key.RequestId);
            return true;
        }
        catch (Exception exception)
        {
            // Should the invocation have been accepted all the same, it finds the failure decided.
            Log.Unexpected(_logger, exception, request.Key.RequestId);
            return false;
        }
    }

    /// <summary>Makes the answer the one that holds; a failure that does takes its own work back first.</summary>
    private async Task<ReadOnlyMemory<byte>> SettleAsync(CustomResourceEvent request, CustomResourceAnswer answer, WorkTime time)
    {
        ReadOnlyMemory<byte> body = answer.ToBody(request);
        using var timeout = new CancellationTokenSource(time.ToSettle, _time);
        try
        {
            var decided = await Task.Run(() => _store.DecideAnswerAsync(request.Key, body, timeout.Token), timeout.Token).WaitAsync(timeout.Token);
            if (!decided.Span.SequenceEqual(body.Span))
                return decided;
            if (!answer.Succeeded)
                await Task.Run(() => _resources.UndoAsync(request, timeout.Token), timeout.Token).WaitAsync(timeout.Token);
        }
        catch (Exception exception)
        {
            // The answer is still the best there is; what could not be undone, the rollback's Delete finds by its owner.
            Log.Unexpected(_logger, exception, request.Key.RequestId);
        }

        return body;
    }

    private async Task AcknowledgeAsync(CustomResourceEvent request, ReadOnlyMemory<byte> body, WorkTime time)
    {
        Log.Answered(_logger, request.LogicalResourceId, request.Key.RequestId);
        using var timeout = new CancellationTokenSource(time.ToAcknowledge, _time);
        try
        {
            await Task.Run(() => _resources.AcknowledgeAsync(request, body, timeout.Token), timeout.Token).WaitAsync(timeout.Token);
        }
        catch (Exception exception)
        {
            // CloudFormation has its answer; the mark is made up for when the next event names the resource.
            Log.Unexpected(_logger, exception, request.Key.RequestId);
        }
    }
}
