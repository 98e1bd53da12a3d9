using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway;

/// <param name="Revision">-1 before the store was read for the first time.</param>
/// <param name="Failures">Why listeners are not served, by physical resource id.</param>
internal sealed record ServedConfiguration(long Revision, IReadOnlyCollection<ListenerRecord> Listeners, IReadOnlyDictionary<string, string> Failures);

/// <summary>
/// Makes the gateway serve what the store says: polls its revision, and opens, changes and closes listeners by
/// difference. A listener that cannot be served is remembered with its cause and tried again; the others go on.
/// </summary>
internal sealed partial class ConfigurationFollower(GatewayServices services, IListenerStore store) : IDisposable
{
    private const int ParallelRefreshes = 4;
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    private readonly ILogger<ConfigurationFollower> _logger = services.Loggers.CreateLogger<ConfigurationFollower>();
    private readonly ConcurrentDictionary<string, ListenerHost> _hosts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Failure> _failures = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _pollRequested = new(0, 1);
    private readonly Lock _waitersLock = new();
    private List<TaskCompletionSource> _waiters = [];
    private TimeSpan _nextSecretRefresh = services.Clock.Now + services.Options.SecretRefreshInterval;
    private bool _storeFails;

    /// <summary>What is served now. Any thread.</summary>
    public IReadOnlyCollection<ListenerHost> Hosts => (IReadOnlyCollection<ListenerHost>)_hosts.Values;

    /// <summary>Why listeners are not served, by physical resource id. Any thread.</summary>
    public IReadOnlyDictionary<string, string> Failures => _failures.ToDictionary(failure => failure.Key, failure => failure.Value.Cause, StringComparer.Ordinal);

    /// <summary>Called with what was applied, after it was.</summary>
    public Action<ConfigurationSnapshot>? Applied { get; set; }

    /// <summary>The store's revision that is served; -1 before the first.</summary>
    public long ServedRevision { get; private set; } = -1;

    /// <summary>The revision is read first: what is served is at least as new. Any thread.</summary>
    public ServedConfiguration Served
    {
        get
        {
            var revision = ServedRevision;
            return new ServedConfiguration(revision, [.. _hosts.Values.Select(host => host.Record)], Failures);
        }
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            List<TaskCompletionSource> waiters;
            lock (_waitersLock)
                (waiters, _waiters) = (_waiters, []);
            await PollAsync(cancellationToken);
            foreach (var waiter in waiters)
                waiter.TrySetResult();
            try
            {
                await _pollRequested.WaitAsync(services.Options.PollInterval, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>Looks at the store now; the task ends when what it says has been applied.</summary>
    public Task PollNowAsync(CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_waitersLock)
        {
            _waiters.Add(waiter);
            if (_pollRequested.CurrentCount == 0)
                _pollRequested.Release();
        }

        return waiter.Task.WaitAsync(cancellationToken);
    }

    /// <summary>True when the version, or a newer one, is served; false when that did not happen in time.</summary>
    /// <exception cref="ListenerNotServedException">It cannot be served.</exception>
    public async Task<bool> WaitUntilServedAsync(string physicalResourceId, long version, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(timeout);
        try
        {
            while (true)
            {
                await PollNowAsync(patience.Token);
                if (_hosts.TryGetValue(physicalResourceId, out var host) && host.Record.Version >= version)
                    return true;
                if (_failures.TryGetValue(physicalResourceId, out var failure) && failure.Version >= version)
                    throw new ListenerNotServedException(failure.Cause);
                await Task.Delay(RetryPause, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => _pollRequested.Dispose();

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        try
        {
            var revision = await store.ReadRevisionAsync(cancellationToken);
            if (revision != ServedRevision || !_failures.IsEmpty)
            {
                var snapshot = await store.ReadConfigurationAsync(cancellationToken);
                await ApplyAsync(snapshot, cancellationToken);
                ServedRevision = snapshot.Revision;
            }

            if (services.Clock.Now >= _nextSecretRefresh)
            {
                _nextSecretRefresh = services.Clock.Now + services.Options.SecretRefreshInterval;
                // Several at a time, since a change of the configuration waits for it.
                var options = new ParallelOptions { MaxDegreeOfParallelism = ParallelRefreshes, CancellationToken = cancellationToken };
                await Parallel.ForEachAsync(_hosts.Values, options, static async (host, token) => await host.RefreshSecretsAsync(token));
            }

            foreach (var host in _hosts.Values)
                host.ReportHandshakes();
            if (_storeFails)
                Log.StoreIsBack(_logger);
            _storeFails = false;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The gateway stops; what is served stays as it is.
        }
        catch (Exception fault)
        {
            // Whatever the store throws: the gateway goes on with what it has.
            if (!_storeFails)
                Log.StoreFails(_logger, fault);
            _storeFails = true;
        }
    }

    private async Task ApplyAsync(ConfigurationSnapshot snapshot, CancellationToken cancellationToken)
    {
        var effective = snapshot.EffectiveListeners();
        var listeners = services.Options.Fleet is { } fleet ? [.. effective.Where(record => record.Definition.Fleet == fleet)] : effective;
        var wanted = listeners.ToDictionary(record => record.PhysicalResourceId, StringComparer.Ordinal);
        var unreadable = snapshot.Unreadable.Where(listener => listener.Fleet is null || services.Options.Fleet is not { } own || listener.Fleet == own)
            .ToDictionary(listener => listener.PhysicalResourceId, StringComparer.Ordinal);
        foreach (var gone in _failures.Keys.Where(id => !wanted.ContainsKey(id) && !unreadable.ContainsKey(id)))
            _failures.TryRemove(gone, out _);
        // Closed first, since another listener may take the port.
        foreach (var (id, host) in _hosts)
        {
            // What it says now is not known; that it was deleted is known not to be so.
            if (unreadable.ContainsKey(id) || (wanted.TryGetValue(id, out var record) && host.CanApply(record)))
                continue;
            _hosts.TryRemove(id, out _);
            await host.CloseAsync();
            services.Metrics.Forget(id);
        }

        foreach (var record in listeners)
            await TryServeAsync(record, cancellationToken);
        foreach (var (id, listener) in unreadable)
            Fail(id, listener.Version, $"The gateway cannot read the record of listener {id}: a newer version of the provider wrote it, so that the fleet needs a newer Image, or it is damaged.");
        Applied?.Invoke(snapshot);
    }

    private async Task TryServeAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        var id = record.PhysicalResourceId;
        try
        {
            if (!_hosts.TryGetValue(id, out var host))
                _hosts[id] = await ListenerHost.OpenAsync(services, record, cancellationToken);
            else if (!host.Serves(record))
                await host.ApplyAsync(record, cancellationToken);
            _failures.TryRemove(id, out _);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested)
        {
            var cause = fault is ListenerNotServedException ? fault.Message : $"The gateway cannot serve listener {id}: {fault.GetType().Name}: {fault.Message}";
            Fail(id, record.Version, cause);
        }
    }

    private void Fail(string id, long version, string cause)
    {
        var failure = new Failure(version, cause);
        if (_failures.GetValueOrDefault(id) != failure)
            Log.NotServed(_logger, id, version, cause);
        _failures[id] = failure;
    }

    private sealed record Failure(long Version, string Cause);

    private static partial class Log
    {
        [LoggerMessage(1501, LogLevel.Error, "Version {Version} of {Listener} is not served: {Cause}")]
        public static partial void NotServed(ILogger logger, string listener, long version, string cause);

        [LoggerMessage(1502, LogLevel.Error, "The configuration cannot be read; serving goes on with the last one")]
        public static partial void StoreFails(ILogger logger, Exception fault);

        [LoggerMessage(1503, LogLevel.Information, "The configuration can be read again")]
        public static partial void StoreIsBack(ILogger logger);
    }
}
