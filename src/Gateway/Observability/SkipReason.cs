namespace UdpGateway.Gateway.Observability;

/// <summary>
/// Why a destination did not take a packet that others may have taken: by its declaration, so it is no drop. The
/// snake_case name is the label of <c>udpgw_packets_skipped_total</c>.
/// </summary>
internal enum SkipReason
{
    /// <summary>Its FilterExpression is not true for the payload.</summary>
    Filtered,

    /// <summary>Its formatter is <c>coap</c>, and the payload is no CoAP message.</summary>
    NotCoap,
}
