using System.Security.Cryptography;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>AWS Secrets Manager over HTTPS, JSON protocol.</summary>
/// <remarks>Source: AWS Secrets Manager API Reference, version 2017-10-17.</remarks>
public sealed class SecretsManagerClient(AwsConnection connection) : ISecretsManager
{
    private static readonly AwsService SecretsManager = new("Secrets Manager", SigningName: "secretsmanager", EndpointPrefix: "secretsmanager");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(SecretsManager, AwsRetries.Standard, Timeout);

    public async Task<string?> GetSecretValueAsync(string secretId, string? versionStage, string? versionId, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new { SecretId = secretId, VersionStage = versionStage, VersionId = versionId }, AwsJson.Relaxed);
        var response = await _transport.SendAsync(new GetSecretValue { Method = HttpMethod.Post, Headers = Target("GetSecretValue"), Body = body }, cancellationToken);
        using var json = AwsJson.Parse(response, "Secrets Manager GetSecretValue");
        return AwsJson.Text(json.RootElement, "SecretString");
    }

    public Task CreateSecretAsync(
        string name, string secretString, string clientRequestToken, string? kmsKeyId, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                Name = name,
                SecretString = secretString,
                ClientRequestToken = clientRequestToken,
                KmsKeyId = kmsKeyId,
                Tags = tags.Select(tag => new { tag.Key, tag.Value }),
            },
            AwsJson.Relaxed);
        return SendSecretAsync(new CreateSecret { Method = HttpMethod.Post, Headers = Target("CreateSecret"), Body = body }, body, cancellationToken);
    }

    public Task PutSecretValueAsync(string secretId, string secretString, string clientRequestToken, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new { SecretId = secretId, SecretString = secretString, ClientRequestToken = clientRequestToken }, AwsJson.Relaxed);
        return SendSecretAsync(new PutSecretValue { Method = HttpMethod.Post, Headers = Target("PutSecretValue"), Body = body }, body, cancellationToken);
    }

    public async Task<SecretDescription> DescribeSecretAsync(string secretId, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new { SecretId = secretId });
        var response = await _transport.SendAsync(new DescribeSecret { Method = HttpMethod.Post, Headers = Target("DescribeSecret"), Body = body }, cancellationToken);
        using var json = AwsJson.Parse(response, "Secrets Manager DescribeSecret");
        var isDeleted = json.RootElement.TryGetProperty("DeletedDate", out var date) && date.ValueKind is not JsonValueKind.Null;
        return new SecretDescription(AwsJson.Text(json.RootElement, "Name") ?? "", isDeleted);
    }

    public Task DeleteSecretAsync(string secretId, int recoveryWindowInDays, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new { SecretId = secretId, RecoveryWindowInDays = recoveryWindowInDays });
        return _transport.SendAsync(new DeleteSecret { Method = HttpMethod.Post, Headers = Target("DeleteSecret"), Body = body }, cancellationToken);
    }

    private async Task SendSecretAsync(AwsRequest request, byte[] body, CancellationToken cancellationToken)
    {
        try
        {
            await _transport.SendAsync(request, cancellationToken);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(body);
        }
    }

    private static List<KeyValuePair<string, string>> Target(string operation) => AwsJson.Headers($"secretsmanager.{operation}", "1.1");

    private sealed class GetSecretValue : AwsRequest;

    private sealed class CreateSecret : AwsRequest;

    private sealed class PutSecretValue : AwsRequest;

    private sealed class DescribeSecret : AwsRequest;

    private sealed class DeleteSecret : AwsRequest;
}
