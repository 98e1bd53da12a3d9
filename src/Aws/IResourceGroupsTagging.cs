namespace UdpGateway.Aws;

/// <summary>The operation of the AWS Resource Groups Tagging API that we call, named after the API's own.</summary>
public interface IResourceGroupsTagging
{
    /// <summary>What of these types has a tag of this key; it lags a little behind the services, also with what is gone.</summary>
    /// <param name="resourceTypes">Such as <c>sqs</c> or <c>secretsmanager:secret</c>.</param>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<TaggedResource>> GetResourcesAsync(string tagKey, IReadOnlyList<string> resourceTypes, CancellationToken cancellationToken);
}

public sealed record TaggedResource(string Arn, IReadOnlyDictionary<string, string> Tags);
