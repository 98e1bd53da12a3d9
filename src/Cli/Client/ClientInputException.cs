namespace UdpGateway.Cli.Client;

/// <summary>What the user gave cannot be used. The message is one sentence for stderr.</summary>
internal sealed class ClientInputException(string message) : Exception(message);
