namespace UdpGateway.Cli.LocalLambda;

/// <summary>A function cannot be run here for a reason that the user can remedy; the message says which one, for people.</summary>
public sealed class LocalLambdaException(string message) : Exception(message);
