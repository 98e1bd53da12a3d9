using System.Globalization;
using System.Text.Json;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;

namespace UdpGateway.Provider.Resources;

/// <summary>Which generation of a listener an event concerns, and what becomes of it. Pure decisions.</summary>
internal static class Generations
{
    /// <summary>The generation that a Create or Update changes in place; null when it has to make one.</summary>
    /// <param name="owned">The owner's generations, oldest first.</param>
    public static ListenerRecord? Current(IReadOnlyList<ListenerRecord> owned, CustomResourceEvent request, ListenerDefinition definition) =>
        OwnedRecords<ListenerRecord>.Current(owned, request, record => IsSame(record.Definition, definition), record => MustReplace(record, definition));

    /// <summary><c>Name</c>, or <c>Name.n</c> beside older generations of the same name.</summary>
    public static string NextId(string name, IReadOnlyList<ListenerRecord> owned)
    {
        var newest = owned.Max(record => NumberOf(record.PhysicalResourceId, name));
        return newest is { } number ? $"{name}.{number + 1}" : name;
    }

    public static ListenerRecord New(
        string physicalId, CustomResourceEvent request, RequestState state, ListenerDefinition definition, ListenerKeys keys, ListenerPorts ports)
    {
        return new ListenerRecord
        {
            PhysicalResourceId = physicalId,
            StackId = request.StackId,
            LogicalResourceId = request.LogicalResourceId,
            Definition = definition,
            Port = ports.Port,
            TargetPort = ports.TargetPort,
            WireGuardPublicKey = keys.PublicKey,
            SecretId = keys.SecretId,
            ReplacedId = request.KnownId,
            RequestId = request.Key.RequestId,
            CreatedByRequestId = request.Key.RequestId,
            CreatedBySequence = state.Sequence,
        };
    }

    public static ListenerRecord Change(
        ListenerRecord current, CustomResourceEvent request, RequestState state, ListenerDefinition definition, ListenerKeys keys)
    {
        var changed = current with { Definition = definition, WireGuardPublicKey = keys.PublicKey, SecretId = keys.SecretId };
        return OwnedRecords<ListenerRecord>.Claim(changed, request, state);
    }

    /// <summary>A record as long as that which the event may write once it has a key and a port.</summary>
    public static ListenerRecord Longest(ListenerRecord? current, string physicalId, CustomResourceEvent request, RequestState state, ListenerDefinition definition)
    {
        // Of all characters of a key, JSON writes this one at the greatest length.
        var keys = new ListenerKeys(ListenerSecrets.NewId(physicalId), new string('+', ListenerKeys.PublicKeyLength), IsNew: true);
        return current is null ? New(physicalId, request, state, definition, keys, new ListenerPorts(ushort.MaxValue, ushort.MaxValue)) : Change(current, request, state, definition, keys);
    }

    // Name, Fleet and Port are what clients and other stacks know. Only a Port that is declared anew counts: where local mode
    // serves another port than the declared one, repeating the declaration changes nothing.
    private static bool MustReplace(ListenerRecord current, ListenerDefinition definition) =>
        current.Definition.Name != definition.Name
        || current.Definition.Fleet != definition.Fleet
        || (definition.Port is { } port && port != current.Port && port != current.Definition.Port);

    private static bool IsSame(ListenerDefinition left, ListenerDefinition right) =>
        JsonSerializer.Serialize(left, ListenerJson.Default.ListenerDefinition) == JsonSerializer.Serialize(right, ListenerJson.Default.ListenerDefinition);

    /// <summary>Whether nothing but the request id differs.</summary>
    public static bool AreEqual(ListenerRecord current, ListenerRecord desired) =>
        Json(current) == Json(desired with { RequestId = current.RequestId });

    /// <summary>What a Delete means; an id of one of the owner's generations, past or present, names that one.</summary>
    public static IEnumerable<ListenerRecord> ToDelete(IReadOnlyList<ListenerRecord> owned, string physicalResourceId, long sequence) =>
        OwnedRecords<ListenerRecord>.ToDelete(owned, physicalResourceId, owned.Any(record => NumberOf(physicalResourceId, record.Definition.Name) is not null), sequence);

    // 1 for the name itself, n for Name.n, null for an id of another name.
    private static int? NumberOf(string physicalResourceId, string name)
    {
        if (physicalResourceId == name)
            return 1;
        return physicalResourceId.StartsWith($"{name}.", StringComparison.Ordinal)
            && int.TryParse(physicalResourceId.AsSpan(name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static string Json(ListenerRecord record) => JsonSerializer.Serialize(record, ListenerJson.Default.ListenerRecord);
}
