using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using System.Threading.Channels;
using DnsClient;
using DnsClient.Protocol;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Observability;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Clients;

/// <summary>
/// The domain names of a listener's ClientRestrictions. The addresses of plain names are looked up ahead of any packet.
/// For <c>*.domain</c> the name of an unknown source is looked up and believed only if it resolves back to that source;
/// until that is known the source's packets are dropped. Packets never wait: workers read tables that tasks on the
/// thread pool fill. A verdict serves on while it is looked up again, also when no name server answers.
/// </summary>
internal sealed partial class DomainFilter : IDisposable
{
    // Spoofed sources cost a lookup each: few at a time, few waiting, and not more remembered than a few megabytes.
    private const int MaxSources = 65_536;
    private const int MaxWaiting = 1024;
    private const int ConcurrentLookups = 16;
    private const int MaxNamesPerSource = 8;

    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);
    private static readonly TimeSpan NegativeAge = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan UnusedAge = TimeSpan.FromMinutes(5);

    private readonly string[] _names;
    private readonly string[] _suffixes;
    private readonly LookupClient _dns;
    private readonly TimeSpan _minAge;
    private readonly GatewayClock _clock;
    private readonly ILogger<DomainFilter> _logger;
    private readonly LogGate _failureLog = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<Source> _waiting = Channel.CreateBounded<Source>(MaxWaiting);
    private readonly ConcurrentDictionary<Address, Source> _sources = new();
    private readonly Dictionary<string, FrozenSet<Address>> _addressesByName = new(StringComparer.Ordinal);
    private volatile FrozenSet<Address>? _addresses;
    private CancellationTokenRegistration _stop;
    private int _sourceCount;
    private int _waitingCount;

    /// <param name="domains">Names in lower case, some with <c>*.</c> before them.</param>
    /// <param name="dns">Asks the name servers; not cached there.</param>
    /// <param name="minAge">An answer serves at least this long, whatever its time to live says.</param>
    /// <param name="clock">Ages of answers.</param>
    /// <param name="logger">For name servers that do not answer; one line in a while.</param>
    public DomainFilter(IReadOnlyList<string> domains, LookupClient dns, TimeSpan minAge, GatewayClock clock, ILogger<DomainFilter> logger)
    {
        Domains = domains;
        _names = [.. domains.Where(domain => !domain.StartsWith("*.", StringComparison.Ordinal))];
        _suffixes = [.. domains.Where(domain => domain.StartsWith("*.", StringComparison.Ordinal)).Select(domain => domain[1..])];
        _addresses = _names.Length == 0 ? [] : null;
        _dns = dns;
        _minAge = minAge;
        _clock = clock;
        _logger = logger;
    }

    public IReadOnlyList<string> Domains { get; }

    /// <summary>Begins to look names up, until this is disposed or the gateway stops; before that every source is unresolved.</summary>
    public void Start(CancellationToken stopping)
    {
        _stop = stopping.Register(Dispose);
        if (_names.Length > 0)
            _ = Task.Run(FollowNamesAsync, CancellationToken.None);
        if (_suffixes.Length == 0)
            return;
        for (var i = 0; i < ConcurrentLookups; i++)
            _ = Task.Run(ResolveSourcesAsync, CancellationToken.None);
        _ = Task.Run(ForgetUnusedAsync, CancellationToken.None);
    }

    /// <summary>Any worker. Null when the source may send.</summary>
    public DropReason? Check(in PeerEndpoint source)
    {
        var address = new Address(source.High, source.Low);
        var addresses = _addresses;
        if (addresses is not null && addresses.Contains(address))
            return null;
        if (_suffixes.Length == 0)
            return addresses is null ? DropReason.SourceUnresolved : DropReason.SourceNotAllowed;

        if (!_sources.TryGetValue(address, out var known))
        {
            if (Volatile.Read(ref _waitingCount) >= MaxWaiting || Volatile.Read(ref _sourceCount) >= MaxSources)
                return DropReason.SourceUnresolved;
            known = new Source(address);
            if (!_sources.TryAdd(address, known))
                return DropReason.SourceUnresolved;
            Interlocked.Increment(ref _sourceCount);
        }

        var now = _clock.Now;
        known.LastUsed = now.Ticks;
        if (now.Ticks >= known.RefreshAt && known.TryClaim())
            Enqueue(known);
        // A plain name that is not known yet may still let it in.
        return known.Verdict == SourceVerdict.Refused && addresses is not null ? DropReason.SourceNotAllowed
            : known.Verdict == SourceVerdict.Allowed ? null
            : DropReason.SourceUnresolved;
    }

    public void Dispose()
    {
        _stop.Dispose();
        _stopping.Cancel();
        _waiting.Writer.TryComplete();
    }

    private void Enqueue(Source source)
    {
        Interlocked.Increment(ref _waitingCount);
        if (_waiting.Writer.TryWrite(source))
            return;
        Interlocked.Decrement(ref _waitingCount);
        source.Release();
    }

    private async Task FollowNamesAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var next = MaxAge;
            foreach (var name in _names)
            {
                if (await TryLookUpAsync(name, QueryType.A, QueryType.AAAA) is not { } answer)
                {
                    next = _minAge;
                    continue;
                }

                _addressesByName[name] = answer.Addresses.ToFrozenSet();
                next = answer.Age < next ? answer.Age : next;
            }

            // Names that could not be looked up keep their addresses; before the first answer nobody is refused for good.
            if (_addressesByName.Count > 0)
                _addresses = _addressesByName.Values.SelectMany(addresses => addresses).ToFrozenSet();
            await PauseAsync(next);
        }
    }

    private async Task ResolveSourcesAsync()
    {
        await foreach (var source in _waiting.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (!_stopping.IsCancellationRequested)
                await ResolveAsync(source);
            Interlocked.Decrement(ref _waitingCount);
            source.Release();
        }
    }

    private async Task ResolveAsync(Source source)
    {
        var age = _minAge;
        if (await TryFindNamesAsync(source.Address) is { } found)
        {
            var verdict = SourceVerdict.Refused;
            age = found.Age < NegativeAge ? found.Age : NegativeAge;
            foreach (var name in found.Names.Where(name => _suffixes.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal))).Take(MaxNamesPerSource))
            {
                var answer = await TryLookUpAsync(name, source.Address.IsIPv4 ? QueryType.A : QueryType.AAAA);
                if (answer is null)
                {
                    verdict = source.Verdict;
                    age = _minAge;
                }
                else if (answer.Addresses.Contains(source.Address))
                {
                    verdict = SourceVerdict.Allowed;
                    age = found.Age < answer.Age ? found.Age : answer.Age;
                    break;
                }
            }

            source.Verdict = verdict;
        }

        source.RefreshAt = (_clock.Now + age).Ticks;
    }

    private async Task ForgetUnusedAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            await PauseAsync(UnusedAge / 5);
            var oldest = (_clock.Now - UnusedAge).Ticks;
            foreach (var (address, source) in _sources)
            {
                if (source.LastUsed < oldest && source.RefreshAt < oldest && _sources.TryRemove(address, out _))
                    Interlocked.Decrement(ref _sourceCount);
            }
        }
    }

    /// <summary>The names that the source's network gives it; null when no name server answers.</summary>
    private async Task<NamesOfSource?> TryFindNamesAsync(Address source)
    {
        if (await TryQueryAsync(source.ToIPAddress().GetArpaName(), QueryType.PTR) is not { } answer)
            return null;
        var records = answer.Answers.PtrRecords().ToList();
        return new NamesOfSource([.. records.Select(record => Normalize(record.PtrDomainName))], AgeOf(records));
    }

    private async Task<AddressesOfName?> TryLookUpAsync(string name, params QueryType[] types)
    {
        var records = new List<AddressRecord>();
        foreach (var type in types)
        {
            if (await TryQueryAsync(name, type) is not { } answer)
                return null;
            records.AddRange(answer.Answers.AddressRecords());
        }

        return new AddressesOfName([.. records.Select(record => Address.From(record.Address))], AgeOf(records));
    }

    /// <summary>Null when the name servers fail. That a name does not exist is an answer, without records.</summary>
    private async Task<IDnsQueryResponse?> TryQueryAsync(string name, QueryType type)
    {
        string problem;
        try
        {
            var response = await _dns.QueryAsync(name, type, cancellationToken: _stopping.Token);
            if (!response.HasError || response.Header.ResponseCode == DnsHeaderResponseCode.NotExistentDomain)
                return response;
            problem = response.ErrorMessage;
        }
        catch (Exception fault)
        {
            // Timeouts, answers that cannot be read, names from outside that are none: the loops must go on.
            problem = fault.Message;
        }

        if (!_stopping.IsCancellationRequested && _failureLog.TryOpen(out var suppressed))
            Log.LookupFailed(_logger, type, problem, suppressed);
        return null;
    }

    private TimeSpan AgeOf(IReadOnlyCollection<DnsResourceRecord> records)
    {
        var age = records.Count == 0 ? NegativeAge : TimeSpan.FromSeconds(records.Min(record => record.InitialTimeToLive));
        return age < _minAge ? _minAge : age > MaxAge ? MaxAge : age;
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // The loop looks itself whether to go on.
        }
    }

    private static string Normalize(DnsString name) => name.Value.TrimEnd('.').ToLowerInvariant();

    private enum SourceVerdict
    {
        Unresolved,
        Allowed,
        Refused,
    }

    /// <summary>IPv4 in its mapped form, as <see cref="PeerEndpoint"/> has it.</summary>
    private readonly record struct Address(ulong High, ulong Low)
    {
        public bool IsIPv4 => AsEndpoint.IsIPv4;

        private PeerEndpoint AsEndpoint => new(High, Low, 0);

        public static Address From(IPAddress address)
        {
            var endpoint = PeerEndpoint.From(new IPEndPoint(address, 0));
            return new Address(endpoint.High, endpoint.Low);
        }

        public IPAddress ToIPAddress() => AsEndpoint.ToIPEndPoint().Address;
    }

    /// <summary>What is known of one source; workers read it while a task writes.</summary>
    private sealed class Source(Address address)
    {
        private int _claimed;
        private int _verdict;
        private long _refreshAt;
        private long _lastUsed;

        public Address Address => address;

        public SourceVerdict Verdict
        {
            get => (SourceVerdict)Volatile.Read(ref _verdict);
            set => Volatile.Write(ref _verdict, (int)value);
        }

        /// <summary>Ticks of the gateway's clock.</summary>
        public long RefreshAt
        {
            get => Volatile.Read(ref _refreshAt);
            set => Volatile.Write(ref _refreshAt, value);
        }

        public long LastUsed
        {
            get => Volatile.Read(ref _lastUsed);
            set => Volatile.Write(ref _lastUsed, value);
        }

        /// <summary>True for the one that may have it looked up.</summary>
        public bool TryClaim() => Volatile.Read(ref _claimed) == 0 && Interlocked.Exchange(ref _claimed, 1) == 0;

        public void Release() => Volatile.Write(ref _claimed, 0);
    }

    private sealed record NamesOfSource(IReadOnlyList<string> Names, TimeSpan Age);

    private sealed record AddressesOfName(IReadOnlyList<Address> Addresses, TimeSpan Age);

    private static partial class Log
    {
        [LoggerMessage(1901, LogLevel.Warning, "The name servers do not answer a {Type} query for ClientRestrictions: {Problem} ({Suppressed} more since the last line)")]
        public static partial void LookupFailed(ILogger logger, QueryType type, string problem, long suppressed);
    }
}
