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
    [InlineData("ap-northeast-1=tokyo eu-west-1=dublin us-east-1=virginia", "dublin")]
    [InlineData("aa-new-1=new sa-east-1=far", "far")]
    [InlineData("zz-new-1=z aa-new-1=a", "a")]
    [InlineData("", null)]
    public void Chooses_the_own_region_then_every_region_then_the_nearest(string arns, string? expected)
    {
        var byRegion = arns.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split('=')).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);

        Assert.Equal(expected, DestinationArn.Choose(byRegion, "eu-central-1"));
    }

    [Theory]
    [InlineData("us-east-1", "us-east-2", 15)]
    [InlineData("eu-central-1", "sa-east-1", 204)]
    [InlineData("af-south-1", "us-west-2", 273)]
    [InlineData("us-west-2", "us-west-2", 0)]
    [InlineData("us-west-2", "cn-north-1", null)]
    public void Knows_how_far_regions_are_apart(string one, string other, int? milliseconds)
    {
        Assert.Equal(milliseconds, RegionLatency.Between(one, other));
        Assert.Equal(milliseconds, RegionLatency.Between(other, one));
    }
}
