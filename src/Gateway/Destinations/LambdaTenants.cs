using System.Diagnostics.CodeAnalysis;
using UdpGateway.Gateway.Batching;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Destinations;

/// <summary>Divides a batch so that each invocation of a function with tenant isolation has the packets of one tenant.</summary>
internal sealed class LambdaTenants
{
    private readonly PacketKey _expression;

    private LambdaTenants(PacketKey expression) => _expression = expression;

    /// <summary>Null when the destination declares no expression.</summary>
    /// <exception cref="ListenerNotServedException">The stored expression is none.</exception>
    public static LambdaTenants? Create(KeyExpression? declared) =>
        // No key is cut or replaced: what is too long is no tenant id.
        PacketKey.Create(declared, int.MaxValue) is { } expression ? new LambdaTenants(expression) : null;

    /// <summary>The packets of each tenant, in the order in which the tenants first appear; packets that name none have failed.</summary>
    public (IReadOnlyList<(string Tenant, BatchPart Packets)> Tenants, DeliveryTally WithoutTenant) Divide(PacketBatch batch)
    {
        var withoutTenant = new DeliveryTally();
        var packets = new OrderedDictionary<string, List<int>>(StringComparer.Ordinal);
        for (var index = 0; index < batch.Count; index++)
        {
            if (!TryRead(batch.Payload(index), out var tenant, out var problem))
                withoutTenant.Fail(index, problem);
            else if (packets.TryGetValue(tenant, out var known))
                known.Add(index);
            else
                packets.Add(tenant, [index]);
        }

        return ([.. packets.Select(entry => (entry.Key, BatchPart.Of(batch, entry.Value)))], withoutTenant);
    }

    private bool TryRead(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out string? tenant, [NotNullWhen(false)] out string? problem)
    {
        tenant = _expression.Of(payload);
        problem = tenant is null ? "TenantIdExpression yields nothing for a packet"
            : LambdaTenant.IsValid(tenant) ? null
            : $"TenantIdExpression yields for a packet what is no tenant id: {LambdaTenant.Form}";
        return problem is null;
    }
}
