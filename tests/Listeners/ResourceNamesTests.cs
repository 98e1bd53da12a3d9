namespace UdpGateway.Listeners.Tests;

public sealed class ResourceNamesTests
{
    [Fact]
    public void Equal_input_gives_an_equal_name_and_any_difference_another()
    {
        const string Stack = "arn:aws:cloudformation:us-west-2:123456789012:stack/fleet/guid-1";

        var name = ResourceNames.Generate(Stack, "Listener");

        Assert.StartsWith("fleet-Listener-", name, StringComparison.Ordinal);
        Assert.Equal(name, ResourceNames.Generate(Stack, "Listener"));
        Assert.NotEqual(name, ResourceNames.Generate(Stack.Replace("guid-1", "guid-2", StringComparison.Ordinal), "Listener"));
        Assert.NotEqual(name, ResourceNames.Generate(Stack, "Listener2"));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("no arn", "Ünï_cödé")]
    [InlineData("arn:aws:cloudformation:us-west-2:123456789012:stack/a-very-long-stack-name-that-goes-on-and-on-and-on-and-on-until-it-is-too-long-for-a-name-of-anything-at-all/guid", "AVeryLongLogicalIdThatGoesOnAndOnAndOnAndOnAndOnAndOnAndOnAndOnAndOnAndOnAndOn")]
    public void Names_fit_the_pattern_of_names(string stackId, string logicalResourceId) =>
        Assert.Matches(@"\A[a-zA-Z0-9-]{1,128}\z", ResourceNames.Generate(stackId, logicalResourceId));
}
