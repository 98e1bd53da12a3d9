namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>The file that <c>up --outputs</c> writes when everything serves.</summary>
internal sealed record OutputsDocument(IReadOnlyList<ServedListener> Listeners, IReadOnlyDictionary<string, string> Outputs, Uri Admin);

internal sealed record ServedListener(
    string LogicalId, string Name, string Protocol, string Address, int Port, string Endpoint, string? WireGuardPublicKey, IReadOnlyList<string> DestinationNames);
