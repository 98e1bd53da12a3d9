namespace UdpGateway.Aws;

/// <summary>The operations of AWS Secrets Manager that we call, named after the API's own.</summary>
public interface ISecretsManager
{
    /// <param name="secretId">Name or ARN.</param>
    /// <returns>The SecretString; null for a binary secret.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<string?> GetSecretValueAsync(string secretId, string? versionStage, string? versionId, CancellationToken cancellationToken);

    /// <param name="clientRequestToken">Becomes the version's id, and makes a repetition harmless.</param>
    /// <param name="kmsKeyId">Null takes the account's key for Secrets Manager.</param>
    /// <exception cref="AwsServiceException">The call failed; ResourceExistsException when the name is taken.</exception>
    Task CreateSecretAsync(
        string name, string secretString, string clientRequestToken, string? kmsKeyId, IReadOnlyDictionary<string, string> tags, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task PutSecretValueAsync(string secretId, string secretString, string clientRequestToken, CancellationToken cancellationToken);

    /// <returns>What is known of the secret, beside its value.</returns>
    /// <exception cref="AwsServiceException">The call failed; ResourceNotFoundException when there is none.</exception>
    Task<SecretDescription> DescribeSecretAsync(string secretId, CancellationToken cancellationToken);

    /// <param name="recoveryWindowInDays">7 to 30; so long it can be restored.</param>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task DeleteSecretAsync(string secretId, int recoveryWindowInDays, CancellationToken cancellationToken);
}

/// <param name="IsDeleted">Whether it is on its way out, and only restoring it is possible.</param>
public sealed record SecretDescription(string Name, bool IsDeleted);
