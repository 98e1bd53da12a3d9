using Microsoft.Extensions.Logging;
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
    private static readonly TimeSpan ShortestGuard = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestGuard = TimeSpan.FromSeconds(10);

    private readonly ProviderOptions _options;
    private readonly IListenerStore _store;
    private readonly CustomResources _resources;
    private readonly ResponseSender _sender;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <param name="responseClient">From <see cref="CreateResponseClient"/>.</param>
    public CustomResourceHandler(
        ProviderOptions options, IListenerStore store, ISecretStore secrets, IListenerProvisioner provisioner,
        HttpClient responseClient, TimeProvider time, ILogger<CustomResourceHandler> logger)
    {
        _options = options;
        _store = store;
        _resources = new CustomResources(options, new ListenerResource(options, store, new ListenerSecrets(secrets), provisioner, logger));
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
    public async Task HandleAsync(ReadOnlyMemory<byte> cloudFormationEvent, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        // 1 read the event
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
        Log.Received(_logger, request.RequestTypeText, request.LogicalResourceId, request.Key.RequestId);
        var body = await DecideAsync(request, deadline, cancellationToken);

        // 8 respond
        if (!await _sender.TrySendAsync(responseUrl, body, deadline))
            throw new ResponseUndeliveredException($"CloudFormation did not take the answer to request {request.Key.RequestId} before the deadline.");
        await AcknowledgeAsync(request, body);
    }

    /// <summary>The answer that holds for this event; never throws.</summary>
    private async Task<ReadOnlyMemory<byte>> DecideAsync(CustomResourceEvent request, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var left = deadline - _time.GetUtcNow();
        var guard = TimeSpan.FromTicks(Math.Clamp(left.Ticks / 10, ShortestGuard.Ticks, LongestGuard.Ticks));
        using var timeout = new CancellationTokenSource(left > guard ? left - guard : TimeSpan.Zero, _time);
        using var work = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        CustomResourceAnswer answer;
        try
        {
            var state = await _store.BeginRequestAsync(request.Key, work.Token).WaitAsync(work.Token);
            if (state.Answer is { } decided)
            {
                Log.Replayed(_logger, request.Key.RequestId);
                return decided;
            }

            // On another thread and abandoned at the deadline: even a resource that hangs cannot keep the answer.
            answer = await Task.Run(() => _resources.ApplyAsync(request, state, work.Token), work.Token).WaitAsync(work.Token);
            if (!answer.Fits(request))
                answer = CustomResources.Failure(request, $"The answer would be longer than the {CustomResourceAnswer.MaxBodySize:N0} bytes that CloudFormation takes; use fewer or shorter names.");
        }
        catch (Exception exception) when (exception is RequestRefusedException or ProvisioningException or RecordTooLargeException)
        {
            answer = CustomResources.Failure(request, exception.Message);
        }
        catch (OperationCanceledException) when (work.IsCancellationRequested)
        {
            answer = CustomResources.Failure(request, timeout.IsCancellationRequested
                ? "The request was not finished in the time that it has; the provider's log tells how far it came."
                : "The provider was stopped before the request was finished.");
        }
        catch (Exception exception)
        {
            Log.Unexpected(_logger, exception, request.Key.RequestId);
            answer = CustomResources.Failure(request, $"The provider failed with {exception.GetType().Name}; its log has the details under request id {request.Key.RequestId}.");
        }

        if (answer.Reason is not null)
            Log.Failed(_logger, request.LogicalResourceId, request.Key.RequestId, answer.Reason);
        return await SettleAsync(request, answer, guard / 2);
    }

    /// <summary>Makes the answer the one that holds; a failure that does takes its own work back first.</summary>
    private async Task<ReadOnlyMemory<byte>> SettleAsync(CustomResourceEvent request, CustomResourceAnswer answer, TimeSpan limit)
    {
        ReadOnlyMemory<byte> body = answer.ToBody(request);
        using var timeout = new CancellationTokenSource(limit, _time);
        try
        {
            var decided = await _store.DecideAnswerAsync(request.Key, body, timeout.Token).WaitAsync(timeout.Token);
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

    private async Task AcknowledgeAsync(CustomResourceEvent request, ReadOnlyMemory<byte> body)
    {
        Log.Answered(_logger, request.LogicalResourceId, request.Key.RequestId);
        try
        {
            await _resources.AcknowledgeAsync(request, body, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // CloudFormation has its answer; the mark is made up for when the next event names the resource.
            Log.Unexpected(_logger, exception, request.Key.RequestId);
        }
    }
}
