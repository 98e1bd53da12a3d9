using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class DestinationRegistryTests
{
    [Fact]
    public void Delivers_exactly_what_a_template_may_name() =>
        Assert.Equal(DestinationKinds.All.Select(kind => kind.Service).Order(StringComparer.Ordinal), DestinationRegistry.Services.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("eu-central-1=own us-west-2=other *=any", "own")]
    [InlineData("us-west-2=other *=any", "any")]
    [InlineData("us-west-2=west us-east-1=east", "east")]
    [InlineData("", null)]
    public void Chooses_the_own_region_then_every_region_then_any(string arns, string? expected)
    {
        var byRegion = arns.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split('=')).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);

        Assert.Equal(expected, DestinationArn.Choose(byRegion, "eu-central-1"));
    }
}
