using System.Collections.Concurrent;
using Amazon.Runtime;
using UdpGateway.Listeners;
using Arn = UdpGateway.Listeners.Arn;

namespace UdpGateway.Aws;

/// <summary>
/// Secrets in AWS Secrets Manager: ours, which are tagged with their owner so that orphans can be found, and those that references
/// name, in whatever account and region their ARN says.
/// </summary>
public sealed class SecretsManagerSecretStore : ISecretStore, IDisposable
{
    /// <summary>The shortest that Secrets Manager allows; so long a deleted key can still be restored.</summary>
    public const int RecoveryWindowInDays = 7;

    private readonly ConcurrentDictionary<string, Lazy<(AwsConnection Connection, ISecretsManager Client)>> _regions = new(StringComparer.Ordinal);
    private readonly AWSCredentials _credentials;
    private readonly string _region;
    private readonly Uri? _serviceUrl;
    private readonly string? _kmsKeyId;
    private readonly IReadOnlyDictionary<string, string> _tags;
    private readonly AwsPatience? _patience;

    /// <param name="credentials">Who reads and writes; on AWS the gateway's role, which customers' policies name.</param>
    /// <param name="region">Where our own secrets are, and those that are given by name.</param>
    /// <param name="kmsKeyId">Encrypts our own secrets; null takes the account's key for Secrets Manager.</param>
    /// <param name="serviceUrl">Null takes AWS_ENDPOINT_URL_SECRETS_MANAGER, else AWS_ENDPOINT_URL, else the region's endpoint.</param>
    /// <param name="tags">What every secret of ours gets beside its owner.</param>
    /// <param name="patience">Null is <see cref="AwsPatience.Usual"/>.</param>
    public SecretsManagerSecretStore(
        AWSCredentials credentials, string region, string? kmsKeyId = null, Uri? serviceUrl = null, IReadOnlyDictionary<string, string>? tags = null, AwsPatience? patience = null)
    {
        _credentials = credentials;
        _region = region;
        _serviceUrl = serviceUrl;
        _kmsKeyId = kmsKeyId;
        _tags = tags ?? new Dictionary<string, string>();
        _patience = patience;
    }

    /// <exception cref="AwsServiceException">The secret could not be asked for; that says nothing about it.</exception>
    public async Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        try
        {
            var text = await ClientFor(reference.SecretId).GetSecretValueAsync(reference.SecretId, reference.VersionStage, reference.VersionId, cancellationToken);
            return text is null ? new SecretText(SecretReadStatus.NotAKey, null) : SecretText.Select(text, reference.JsonKey);
        }
        catch (AwsServiceException refusal) when (StatusOf(refusal) is { } status)
        {
            return new SecretText(status, null);
        }
    }

    public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) =>
        WriteAsync(secretId, value, new Dictionary<string, string>(_tags), cancellationToken);

    public Task WriteAsync(string secretId, string value, SecretOwner owner, CancellationToken cancellationToken) =>
        WriteAsync(secretId, value, new Dictionary<string, string>(_tags) { ["udp-gateway:stack-id"] = owner.StackId, ["udp-gateway:logical-id"] = owner.LogicalResourceId }, cancellationToken);

    public async Task DeleteAsync(string secretId, CancellationToken cancellationToken)
    {
        try
        {
            await ClientFor(secretId).DeleteSecretAsync(secretId, RecoveryWindowInDays, cancellationToken);
        }
        catch (AwsServiceException refusal) when (StatusOf(refusal) is SecretReadStatus.Missing or SecretReadStatus.Deleted)
        {
            // Gone, or going, already.
        }
    }

    public void Dispose()
    {
        foreach (var region in _regions.Values.Where(region => region.IsValueCreated))
            region.Value.Connection.Dispose();
    }

    private async Task WriteAsync(string secretId, string value, Dictionary<string, string> tags, CancellationToken cancellationToken)
    {
        var token = Guid.NewGuid().ToString();
        try
        {
            await ClientFor(secretId).CreateSecretAsync(secretId, value, token, _kmsKeyId, tags, cancellationToken);
        }
        catch (AwsServiceException refusal) when (refusal.ErrorCode == "ResourceExistsException")
        {
            // Also what a repetition finds whose first answer was lost.
            await ClientFor(secretId).PutSecretValueAsync(secretId, value, token, cancellationToken);
        }
    }

    // An ARN is answered only by its own region.
    private ISecretsManager ClientFor(string secretId)
    {
        var region = Arn.TryParse(secretId, out var arn) && arn.Region.Length > 0 ? arn.Region : _region;
        return _regions.GetOrAdd(region, Open).Value.Client;
    }

    private Lazy<(AwsConnection Connection, ISecretsManager Client)> Open(string region) => new(() =>
    {
        var connection = new AwsConnection(_credentials, region, _serviceUrl, _patience);
        return (connection, new SecretsManagerClient(connection));
    });

    // Secrets Manager, "GetSecretValue": the codes are few, so that some of what they mean is only in the message.
    private static SecretReadStatus? StatusOf(AwsServiceException refusal) => refusal.ErrorCode switch
    {
        "ResourceNotFoundException" => SecretReadStatus.Missing,
        "InvalidRequestException" when Says(refusal, "delet") => SecretReadStatus.Deleted,
        // Shared across accounts while encrypted with the account's own key.
        "InvalidRequestException" when Says(refusal, "KMS") => SecretReadStatus.KeyUnavailable,
        "AccessDeniedException" when Says(refusal, "Access to KMS") || Says(refusal, "kms:") => SecretReadStatus.KeyUnavailable,
        "AccessDeniedException" or "AccessDenied" => SecretReadStatus.AccessDenied,
        "DecryptionFailure" => SecretReadStatus.KeyUnavailable,
        _ => null,
    };

    private static bool Says(AwsServiceException refusal, string word) => refusal.Message.Contains(word, StringComparison.OrdinalIgnoreCase);
}
