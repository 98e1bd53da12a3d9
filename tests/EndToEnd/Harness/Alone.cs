namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Tests that flood a stack, or measure it: they run one by one, when all others are done.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    internal const string Name = "alone";
}
