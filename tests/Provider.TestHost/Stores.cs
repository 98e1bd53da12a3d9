using Amazon.Runtime.Credentials;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.TestHost;

/// <summary>
/// The store of local mode, which one process owns at a time; or, where AWS_ENDPOINT_URL_DYNAMODB is set, the table, which any number
/// of processes share, with the secrets as files beside it.
/// </summary>
internal static class Stores
{
    public static (IListenerStore Listeners, ISecretStore Secrets) Open(string directory, ProviderSettings settings)
    {
        if (Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_DYNAMODB") is null)
        {
            var embedded = new EmbeddedStore(directory);
            return (embedded, embedded);
        }

        var secrets = new SecretFiles(Directory.CreateDirectory(Path.Combine(directory, "secrets")).FullName);
        return (new DynamoDbListenerStore(new AwsConnection(DefaultAWSCredentialsIdentityResolver.GetCredentials(), settings.Region), settings.TableName), secrets);
    }

    private sealed class SecretFiles(string directory) : ISecretStore
    {
        public async Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken) => File.Exists(PathOf(reference.SecretId))
            ? SecretText.Select(await File.ReadAllTextAsync(PathOf(reference.SecretId), cancellationToken), reference.JsonKey)
            : new SecretText(SecretReadStatus.Missing, null);

        public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) => File.WriteAllTextAsync(PathOf(secretId), value, cancellationToken);

        public Task DeleteAsync(string secretId, CancellationToken cancellationToken)
        {
            File.Delete(PathOf(secretId));
            return Task.CompletedTask;
        }

        private string PathOf(string secretId) => Path.Combine(directory, Uri.EscapeDataString(secretId));
    }
}
