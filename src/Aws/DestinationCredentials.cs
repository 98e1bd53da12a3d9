using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Amazon;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Arn = UdpGateway.Listeners.Arn;

namespace UdpGateway.Aws;

/// <summary>
/// Credentials of the roles that destinations name. Each role is assumed once per external id and session name, when first used,
/// and renewed in the background before it expires. Safe for concurrent use.
/// </summary>
public sealed partial class DestinationCredentials : IDisposable
{
    /// <summary>A refused role is asked for again after this time, not with every batch.</summary>
    public static readonly TimeSpan FailureLifetime = TimeSpan.FromSeconds(5);

    private const int MaxSessionNameLength = 64;

    // Of the hour for which STS grants credentials.
    private static readonly TimeSpan RenewalWindow = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan StsTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<(string RoleArn, string ExternalId, string SessionName), AssumedRole> _roles = new();
    private readonly Lazy<AmazonSecurityTokenServiceClient> _sts;
    private readonly TimeProvider _time;

    /// <param name="source">Whom the roles' trust policies name: the gateway's own role.</param>
    /// <param name="region">Region whose STS endpoint is used.</param>
    /// <param name="serviceUrl">Null takes AWS_ENDPOINT_URL_STS, else AWS_ENDPOINT_URL, else the region's endpoint.</param>
    /// <param name="time">Measures <see cref="FailureLifetime"/>; null is the system's.</param>
    /// <param name="patience">Null is <see cref="AwsPatience.Usual"/>.</param>
    public DestinationCredentials(AWSCredentials source, string region, Uri? serviceUrl = null, TimeProvider? time = null, AwsPatience? patience = null)
    {
        if (!Arn.IsRegion(region))
            throw new ArgumentException($"'{region}' is not the name of a region.", nameof(region));

        AwsHttpClientFactory.Install();
        _time = time ?? TimeProvider.System;
        // The SDK's client takes a noticeable part of a cold start, and most processes and events need no role.
        _sts = new Lazy<AmazonSecurityTokenServiceClient>(() => CreateClient(source, region, serviceUrl, (patience ?? AwsPatience.Usual).Limit(StsTimeout)));
    }

    /// <summary>Credentials of a role; nothing is sent before they are first used.</summary>
    /// <param name="roleArn"><c>arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME</c>.</param>
    /// <param name="externalId">The declaring stack's id, which the role's trust policy may require.</param>
    /// <param name="sessionName">Shown in the account's CloudTrail; cut to 64 characters, and what STS would refuse becomes <c>-</c>.</param>
    /// <exception cref="ArgumentException">One of the three has not the form that STS takes.</exception>
    /// <remarks>Using them throws <see cref="AwsServiceException"/> with <see cref="AwsFailure.CredentialsUnavailable"/> when STS refuses.</remarks>
    public AWSCredentials For(string roleArn, string externalId, string sessionName)
    {
        if (!IsRoleArn(roleArn))
            throw new ArgumentException($"'{roleArn}' is no role ARN; it has the form arn:aws:iam::123456789012:role/Name.", nameof(roleArn));
        if (!ExternalIdPattern().IsMatch(externalId))
            throw new ArgumentException($"'{externalId}' is no external id; it has 2 to 1224 letters, digits and _ + = , . @ : / - characters.", nameof(externalId));

        var name = RefusedInSessionName().Replace(sessionName[..Math.Min(sessionName.Length, MaxSessionNameLength)], "-");
        if (name.Length < 2)
            throw new ArgumentException("A session name has at least 2 characters.", nameof(sessionName));

        return _roles.GetOrAdd(
            (roleArn, externalId, name),
            static (key, self) => new AssumedRole(self._sts, self._time, key.RoleArn, key.ExternalId, key.SessionName),
            this);
    }

    public void Dispose()
    {
        foreach (var role in _roles.Values)
            role.Dispose();
        if (_sts.IsValueCreated)
            _sts.Value.Dispose();
    }

    internal static bool IsRoleArn(string text) =>
        Arn.TryParse(text, out var arn)
        && arn is { Service: "iam", Region: "", Account.Length: > 0 }
        && RoleResourcePattern().IsMatch(arn.Resource);

    private static AmazonSecurityTokenServiceClient CreateClient(AWSCredentials source, string region, Uri? serviceUrl, TimeSpan timeout)
    {
        var configuration = new AmazonSecurityTokenServiceConfig
        {
            RegionEndpoint = RegionEndpoint.GetBySystemName(region),
            RetryMode = RequestRetryMode.Standard,
            MaxStaleConnectionRetries = 0,
            ResignRetries = true,
            Timeout = timeout,
        };
        if (serviceUrl is not null)
            configuration.ServiceURL = serviceUrl.AbsoluteUri;
        // An endpoint, also one from the environment, makes the SDK forget the region.
        configuration.AuthenticationRegion = region;
        return new AmazonSecurityTokenServiceClient(source, configuration);
    }

    // Patterns of the STS API Reference, "AssumeRole", and of IAM's role path and name; \w there means ASCII.
    [GeneratedRegex(@"\Arole/([\x21-\x2e\x30-\x7e]+/){0,50}[A-Za-z0-9_+=,.@-]{1,64}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RoleResourcePattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_+=,.@:/-]{2,1224}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ExternalIdPattern();

    [GeneratedRegex("[^A-Za-z0-9_+=,.@-]", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RefusedInSessionName();

    /// <summary>
    /// One role. The SDK's AssumeRoleAWSCredentials finds its STS client through process-wide state and takes its region from the
    /// environment; its base class, used here, has all that matters: one refresh at a time, and early ones in the background.
    /// </summary>
    private sealed class AssumedRole : RefreshingAWSCredentials
    {
        private readonly Lazy<AmazonSecurityTokenServiceClient> _sts;
        private readonly TimeProvider _time;
        private readonly AssumeRoleRequest _request;

        // Replaced whole, so that a reader never sees half of it.
        private RecentFailure? _failure;

        public AssumedRole(Lazy<AmazonSecurityTokenServiceClient> sts, TimeProvider time, string roleArn, string externalId, string sessionName)
        {
            _sts = sts;
            _time = time;
            _request = new AssumeRoleRequest { RoleArn = roleArn, ExternalId = externalId, RoleSessionName = sessionName };
            PreemptExpiryTime = RenewalWindow;
        }

        protected override CredentialsRefreshState GenerateNewCredentials() => GenerateNewCredentialsAsync().GetAwaiter().GetResult();

        protected override async Task<CredentialsRefreshState> GenerateNewCredentialsAsync()
        {
            if (Volatile.Read(ref _failure) is { } recent && _time.GetElapsedTime(recent.Timestamp) < FailureLifetime)
                throw Unavailable(recent.Cause);

            try
            {
                var response = await _sts.Value.AssumeRoleAsync(_request);
                Volatile.Write(ref _failure, null);
                var granted = response.Credentials;
                return new CredentialsRefreshState(
                    new ImmutableCredentials(granted.AccessKeyId, granted.SecretAccessKey, granted.SessionToken),
                    granted.Expiration!.Value);
            }
            catch (Exception cause) when (cause is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException or OperationCanceledException)
            {
                Volatile.Write(ref _failure, new RecentFailure(_time.GetTimestamp(), cause));
                throw Unavailable(cause);
            }
        }

        // A new exception for each caller: throwing a shared one would grow its stack trace from many threads.
        private AwsServiceException Unavailable(Exception cause) =>
            AwsServiceException.CredentialsUnavailable($"{_request.RoleArn} cannot be assumed", cause);

        private sealed record RecentFailure(long Timestamp, Exception Cause);
    }
}
