namespace UdpGateway.Listeners.Tests;

public sealed class DestinationKindsTests
{
    [Theory]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:name", true)]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:name:live", true)]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:name:$LATEST", true)]
    [InlineData("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:name:7", true)]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:name:", false)]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:name:a:b", false)]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:na me", false)]
    [InlineData("arn:aws:lambda::123456789012:function:name", false)]
    [InlineData("arn:aws:lambda:us-west-2::function:name", false)]
    public void Lambda_arns_have_a_strict_form(string text, bool accepted)
    {
        Assert.True(Arn.TryParse(text, out var arn));
        Assert.Equal(accepted, LambdaKind.Kind.Accepts(arn));
    }

    [Fact]
    public void Kinds_are_found_by_service()
    {
        Assert.True(DestinationKinds.TryFind("lambda", out var kind));
        Assert.Same(LambdaKind.Kind, kind);
        Assert.False(DestinationKinds.TryFind("Lambda", out _));
    }
}
