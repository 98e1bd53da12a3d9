using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;

namespace UdpGateway.Cli.LocalStack;

/// <summary>The credentials of <c>--aws-profile</c>, from the files that the AWS command line keeps.</summary>
internal sealed class AwsProfile
{
    private AwsProfile(string name, AWSCredentials credentials)
    {
        Name = name;
        Credentials = credentials;
    }

    public string Name { get; }

    public AWSCredentials Credentials { get; }

    /// <param name="file">The file with the profiles, in place of those that the AWS command line keeps.</param>
    /// <exception cref="UserErrorException">There is no such profile, or it gives no credentials.</exception>
    public static AwsProfile Open(string name, string? file = null)
    {
        try
        {
            var profiles = new CredentialProfileStoreChain(file);
            // The SDK would need two packages more for these; the AWS command line, which made the login, can hand it on.
            if (profiles.TryGetProfile(name, out var found) && (found.Options.SsoStartUrl ?? found.Options.SsoSession) is not null)
                throw new UserErrorException($"--aws-profile {name}: the profile signs in with IAM Identity Center (SSO), which udpgw cannot do. Add a profile to ~/.aws/config that takes over its login, and name that one: credential_process = aws configure export-credentials --profile {name}");
            if (profiles.TryGetAWSCredentials(name, out var credentials))
            {
                var profile = new AwsProfile(name, credentials);
                // A login that has expired should be known before anything starts.
                profile.Credentials.GetCredentials();
                return profile;
            }
        }
        catch (Exception exception) when (exception is AmazonClientException or AmazonServiceException or InvalidOperationException)
        {
            throw new UserErrorException($"--aws-profile {name}: the profile gives no credentials: {exception.Message}");
        }

        throw new UserErrorException($"--aws-profile {name}: ~/.aws/config and ~/.aws/credentials have no such profile with credentials; `aws configure --profile {name}` makes one.");
    }

    /// <summary>For the process of a function, as Lambda gives a role's credentials.</summary>
    /// <exception cref="LocalLambda.LocalLambdaException">The profile gives no credentials any more.</exception>
    public IReadOnlyDictionary<string, string> ToVariables()
    {
        try
        {
            var credentials = Credentials.GetCredentials();
            var variables = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["AWS_ACCESS_KEY_ID"] = credentials.AccessKey,
                ["AWS_SECRET_ACCESS_KEY"] = credentials.SecretKey,
                ["AWS_EC2_METADATA_DISABLED"] = "true",
            };
            if (credentials.UseToken)
                variables["AWS_SESSION_TOKEN"] = credentials.Token;
            return variables;
        }
        catch (Exception exception) when (exception is AmazonClientException or AmazonServiceException)
        {
            throw new LocalLambda.LocalLambdaException($"The profile {Name} gives no credentials: {exception.Message}");
        }
    }
}
