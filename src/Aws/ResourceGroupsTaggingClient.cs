using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>AWS Resource Groups Tagging over HTTPS, JSON protocol.</summary>
/// <remarks>Source: AWS Resource Groups Tagging API Reference, version 2017-01-26.</remarks>
public sealed class ResourceGroupsTaggingClient(AwsConnection connection) : IResourceGroupsTagging
{
    private static readonly AwsService Service = new("Resource Groups Tagging API", SigningName: "tagging", EndpointPrefix: "tagging");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private readonly IAwsTransport _transport = connection.Open(Service, AwsRetries.Standard, Timeout);

    public async Task<IReadOnlyList<TaggedResource>> GetResourcesAsync(string tagKey, IReadOnlyList<string> resourceTypes, CancellationToken cancellationToken)
    {
        var all = new List<TaggedResource>();
        string? token = null;
        do
        {
            var request = new GetResources
            {
                Headers = AwsJson.Headers("ResourceGroupsTaggingAPI_20170126.GetResources", "1.1"),
                Body = JsonSerializer.SerializeToUtf8Bytes(new { TagFilters = new[] { new { Key = tagKey } }, ResourceTypeFilters = resourceTypes, PaginationToken = token }, AwsJson.Relaxed),
            };
            using var answer = AwsJson.Parse(await _transport.SendAsync(request, cancellationToken), "Resource Groups Tagging GetResources");
            all.AddRange(AwsJson.Items(answer.RootElement, "ResourceTagMappingList").Select(Read));
            token = AwsJson.Text(answer.RootElement, "PaginationToken");
        }
        while (!string.IsNullOrEmpty(token));
        return all;
    }

    private static TaggedResource Read(JsonElement resource) => new(
        AwsJson.Text(resource, "ResourceARN") ?? "",
        AwsJson.Items(resource, "Tags").ToDictionary(tag => AwsJson.Text(tag, "Key") ?? "", tag => AwsJson.Text(tag, "Value") ?? "", StringComparer.Ordinal));

    private sealed class GetResources : AwsRequest;
}
