namespace UdpGateway.WireGuard;

/// <summary>
/// Names one peer of one engine for as long as the engine remembers it. A slot that was given to another peer has
/// another generation, so a reply that comes late never reaches the wrong client.
/// </summary>
public readonly record struct PeerId(uint Slot, uint Generation);
