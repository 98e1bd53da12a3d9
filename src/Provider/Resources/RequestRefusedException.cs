namespace UdpGateway.Provider.Resources;

/// <summary>An event is not carried out, for a reason that its author can act on. The message becomes the Reason.</summary>
internal sealed class RequestRefusedException(string reason) : Exception(reason);
