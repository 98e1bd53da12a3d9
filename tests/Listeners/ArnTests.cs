namespace UdpGateway.Listeners.Tests;

public sealed class ArnTests
{
    [Theory]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:echo", "aws", "lambda", "us-west-2", "123456789012", "function:echo")]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:echo:live", "aws", "lambda", "us-west-2", "123456789012", "function:echo:live")]
    [InlineData("arn:aws-us-gov:sqs:us-gov-west-1:123456789012:queue.fifo", "aws-us-gov", "sqs", "us-gov-west-1", "123456789012", "queue.fifo")]
    [InlineData("arn:aws-iso-b:sns:us-isob-east-1:123456789012:t", "aws-iso-b", "sns", "us-isob-east-1", "123456789012", "t")]
    [InlineData("arn:aws-cn:states:cn-northwest-1:123456789012:stateMachine:m", "aws-cn", "states", "cn-northwest-1", "123456789012", "stateMachine:m")]
    [InlineData("arn:aws:s3:::bucket/a prefix/ü", "aws", "s3", "", "", "bucket/a prefix/ü")]
    [InlineData("arn:aws:iam::123456789012:role/path/Name", "aws", "iam", "", "123456789012", "role/path/Name")]
    [InlineData("arn:aws:logs:ap-southeast-10:123456789012:log-group:/a/b:*", "aws", "logs", "ap-southeast-10", "123456789012", "log-group:/a/b:*")]
    public void Splits_an_arn_into_its_parts(string text, string partition, string service, string region, string account, string resource)
    {
        Assert.True(Arn.TryParse(text, out var arn));

        Assert.Equal((partition, service, region, account, resource), (arn.Partition, arn.Service, arn.Region, arn.Account, arn.Resource));
        Assert.Equal(text, arn.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("arn")]
    [InlineData("arn:aws:lambda:us-west-2:123456789012")]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:")]
    [InlineData(" arn:aws:lambda:us-west-2:123456789012:function:f")]
    [InlineData("ARN:aws:lambda:us-west-2:123456789012:function:f")]
    [InlineData("arn:gcp:lambda:us-west-2:123456789012:function:f")]
    [InlineData("arn:aws.evil.example:lambda:us-west-2:123456789012:function:f")]
    [InlineData("arn:aws::us-west-2:123456789012:function:f")]
    [InlineData("arn:aws:lambda.evil.example/:us-west-2:123456789012:function:f")]
    [InlineData("arn:aws:-lambda:us-west-2:123456789012:function:f")]
    [InlineData("arn:aws:lambda:us-west-2.evil.example#:123456789012:function:f")]
    [InlineData("arn:aws:lambda:us-west-2\n:123456789012:function:f")]
    [InlineData("arn:aws:lambda:US-WEST-2:123456789012:function:f")]
    [InlineData("arn:aws:lambda:local:123456789012:function:f")]
    [InlineData("arn:aws:lambda:us-west-2:12345678901:function:f")]
    [InlineData("arn:aws:lambda:us-west-2:1234567890123:function:f")]
    [InlineData("arn:aws:lambda:us-west-2:١٢٣٤٥٦٧٨٩٠١٢:function:f")]
    [InlineData("arn:aws:lambda:us-west-2:123456789012:function:f\r\nX-Injected: 1")]
    public void Refuses_text_whose_parts_could_leave_the_pattern(string? text)
    {
        Assert.False(Arn.TryParse(text, out var arn));

        Assert.Equal(default, arn);
    }

    [Fact]
    public void Refuses_text_longer_than_any_service_takes()
    {
        var longest = "arn:aws:s3:::".PadRight(Arn.MaxLength, 'x');

        Assert.True(Arn.TryParse(longest, out _));
        Assert.False(Arn.TryParse(longest + "x", out _));
    }
}
