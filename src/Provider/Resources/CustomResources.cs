using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;

namespace UdpGateway.Provider.Resources;

/// <summary>One custom resource type.</summary>
internal interface ICustomResource
{
    /// <summary>Create or Update: makes what the properties declare; repeating it changes nothing.</summary>
    /// <exception cref="RequestRefusedException">The author must change something.</exception>
    Task<CustomResourceAnswer> ApplyAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken);

    /// <summary>Deletes what the event's owner and id name; what is gone or foreign is no error.</summary>
    Task DeleteAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken);

    /// <summary>Removes what a failed event made.</summary>
    Task UndoAsync(CustomResourceEvent request, CancellationToken cancellationToken);

    /// <summary>CloudFormation has taken an answer that names this physical id.</summary>
    Task AcknowledgeAsync(CustomResourceEvent request, string physicalResourceId, CancellationToken cancellationToken);
}

/// <summary>Finds the resource of a type, and handles what all types have in common.</summary>
internal sealed class CustomResources(
    ProviderOptions options, ISecretStore secrets, ICustomResource listener, ICustomResource destinationArn, ICustomResource? packetSource, ICustomResource? fleet)
{

    public async Task<CustomResourceAnswer> ApplyAsync(CustomResourceEvent request, RequestState state, CancellationToken cancellationToken)
    {
        if (!request.TryGetRequestType(out var requestType))
            return Failure(request, "RequestType must be Create, Update or Delete.");
        var resource = Find(request.ResourceType);
        if (requestType is CustomResourceRequestType.Delete)
        {
            if (resource is not null)
                await resource.DeleteAsync(request, state, cancellationToken);
            return CustomResourceAnswer.Success(CustomResourceAnswer.EchoedId(request));
        }

        if (resource is null)
            return Failure(request, UnknownType(request.ResourceType));
        await RequireApiKeyAsync(request, cancellationToken);
        return await resource.ApplyAsync(request, state, cancellationToken);
    }

    public Task UndoAsync(CustomResourceEvent request, CancellationToken cancellationToken) =>
        IsDelete(request) || Find(request.ResourceType) is not { } resource ? Task.CompletedTask : resource.UndoAsync(request, cancellationToken);

    public async Task AcknowledgeAsync(CustomResourceEvent request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var answer = JsonDocument.Parse(body);
        if (!IsDelete(request) && Find(request.ResourceType) is { } resource && answer.RootElement.GetProperty("Status").ValueEquals("SUCCESS"))
            await resource.AcknowledgeAsync(request, answer.RootElement.GetProperty("PhysicalResourceId").GetString()!, cancellationToken);
    }

    /// <summary>A failure keeps the id that CloudFormation knows: another one would start a replacement.</summary>
    public static CustomResourceAnswer Failure(CustomResourceEvent request, string reason) => CustomResourceAnswer.Failure(CustomResourceAnswer.EchoedId(request), reason);

    /// <summary>What an event did not reach in its time, for a sentence of what was missing to follow.</summary>
    public static string Unfinished(CustomResourceEvent request) => (IsDelete(request), Noun(request.ResourceType)) switch
    {
        (true, _) => "Not everything was deleted in the time that the request has.",
        (_, "Fleet") => "The fleet was not ready in the time that the request has.",
        (_, "PacketSource") => "The packet source was not ready in the time that the request has.",
        _ => "The listener was not served in the time that the request has.",
    };

    private static bool IsDelete(CustomResourceEvent request) => request.TryGetRequestType(out var type) && type is CustomResourceRequestType.Delete;

    private ICustomResource? Find(string resourceType) => Noun(resourceType) switch
    {
        "Listener" => listener,
        "DestinationArn" => destinationArn,
        "PacketSource" => packetSource,
        "Fleet" => fleet,
        _ => null,
    };

    // Custom::ProxylityUdpGateway<Noun>, or our alias Custom::UdpGateway<Noun>.
    private static string? Noun(string resourceType)
    {
        foreach (var prefix in (string[])["Custom::ProxylityUdpGateway", "Custom::UdpGateway"])
        {
            if (resourceType.StartsWith(prefix, StringComparison.Ordinal))
                return resourceType[prefix.Length..];
        }

        return null;
    }

    private static string UnknownType(string resourceType) => Noun(resourceType) switch
    {
        "Fleet" => $"{resourceType} belongs to AWS; on this machine one gateway serves every listener, so leave the resource out.",
        "PacketSource" => $"{resourceType} is not supported by this provider; remove the resource.",
        _ => "The resource type is not one of this provider's; it handles Custom::ProxylityUdpGatewayListener, …DestinationArn and …PacketSource, the same under Custom::UdpGateway…, and Custom::UdpGatewayFleet.",
    };

    private async Task RequireApiKeyAsync(CustomResourceEvent request, CancellationToken cancellationToken)
    {
        var expected = options.ApiKeySecret is { } reference ? await ReadApiKeyAsync(reference, cancellationToken) : options.ApiKey;
        if (expected is null)
            return;
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.PropertyText("ApiKey")), Encoding.UTF8.GetBytes(expected)))
            throw new RequestRefusedException("ApiKey is not the key that this provider was deployed with; take it from the provider stack's customer configuration.");
    }

    private async Task<string> ReadApiKeyAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        var secret = await secrets.ReadAsync(reference, cancellationToken);
        return secret.Value is { Length: > 0 } key
            ? key
            : throw new RequestRefusedException($"The provider cannot read its own ApiKey in the secret {reference.SecretId} ({secret.Status}); whoever deployed the provider has to restore it.");
    }
}
