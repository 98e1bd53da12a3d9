using UdpGateway.Provider.CloudFormation;
using UdpGateway.Provider.Tests.TestDoubles;

namespace UdpGateway.Provider.Tests.CloudFormation;

public sealed class ResponseUrlTests
{
    private static readonly ProviderOptions Cloud = ProviderUnderTest.Local with { LocalMode = false };

    /// <summary>Also what the answering function has to decide in the same way.</summary>
    public static TheoryData<string, string, bool> Addresses { get; } = new()
    {
        { "https://cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com/key?sig", "us-west-2", true },
        { "https://cloudformation-custom-resource-response-uswest2.s3.us-west-2.amazonaws.com/key?sig", "us-west-2", true },
        { "https://cloudformation-custom-resource-response-uswest2.s3.amazonaws.com/key?sig", "us-west-2", true },
        { "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/key?sig", "us-east-1", true },
        { "https://s3.dualstack.us-west-2.amazonaws.com/bucket/key", "us-west-2", true },
        { "https://bucket.s3.cn-north-1.amazonaws.com.cn/key", "cn-north-1", true },
        { "https://bucket.s3.us-east-1.amazonaws.com/key", "us-west-2", false },
        { "https://bucket.s3.amazonaws.com/key", "us-west-2", false },
        { "http://bucket.s3.us-west-2.amazonaws.com/key", "us-west-2", false },
        { "https://bucket.s3.us-west-2.amazonaws.com:8443/key", "us-west-2", false },
        { "https://user@bucket.s3.us-west-2.amazonaws.com/key", "us-west-2", false },
        { "https://bucket.s3.us-west-2.amazonaws.com.example.com/key", "us-west-2", false },
        { "https://evil-s3.us-west-2.amazonaws.com/key", "us-west-2", false },
        { "https://example.com/s3.us-west-2.amazonaws.com", "us-west-2", false },
        { "https://ec2.us-west-2.amazonaws.com/", "us-west-2", false },
        { "https://169.254.169.254/latest", "us-west-2", false },
        { "http://127.0.0.1/key", "us-west-2", false },
        { "not a url", "us-west-2", false },
    };

    [Theory]
    [MemberData(nameof(Addresses))]
    public void On_aws_only_s3_in_the_events_region_is_an_address(string url, string region, bool accepted) =>
        Assert.Equal(accepted, ResponseUrl.TryParse(url, $"arn:aws:cloudformation:{region}:123456789012:stack/s/g", Cloud, out _));

    [Theory]
    [InlineData("http://127.0.0.1:8080/key", true)]
    [InlineData("http://[::1]:8080/key", true)]
    [InlineData("https://localhost/key", true)]
    [InlineData("http://192.0.2.1/key", false)]
    [InlineData("https://bucket.s3.us-west-2.amazonaws.com/key", false)]
    [InlineData("file:///etc/passwd", false)]
    public void Locally_only_a_loopback_is_an_address(string url, bool accepted) =>
        Assert.Equal(accepted, ResponseUrl.TryParse(url, ProviderUnderTest.StackId, ProviderUnderTest.Local, out _));

    [Fact]
    public async Task An_event_with_a_foreign_address_is_not_carried_out()
    {
        await using var provider = await ProviderUnderTest.StartAsync();
        var create = provider.Create(ProviderUnderTest.UdpProperties());
        create["ResponseURL"] = "https://example.com/";

        await provider.HandleAsync(create);

        Assert.Empty(await provider.IdsAsync());
        Assert.Empty(provider.Provisioner.Calls);
    }
}
