namespace InnerEcho;

/// <summary>The event: one batch of packets, in the order of their arrival.</summary>
internal sealed record PacketBatch(IReadOnlyList<Packet> Messages);

/// <summary>
/// One packet; of its many fields only the two that an echo needs. Without DecapsulatedDelivery the data is the payload of
/// the tunnel as it is: an IP packet from a WireGuard interface, any bytes from a client that speaks WireGuard itself.
/// </summary>
/// <param name="Tag">Names the packet within its batch; a reply repeats it.</param>
/// <param name="Data">Base64.</param>
internal sealed record Packet(string Tag, string Data);

/// <summary>The result: any number of replies, each to one packet of the batch.</summary>
internal sealed record ReplyBatch(IReadOnlyList<Reply> Replies);

/// <param name="Data">Base64; put into the tunnel as it is.</param>
internal sealed record Reply(string Tag, string Data);
