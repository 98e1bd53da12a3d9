using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Tests.Commands;
using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.LocalStack;

public sealed class AwsProfileTests : IDisposable
{
    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public async Task Says_that_there_is_no_such_profile()
    {
        var file = _text.Write("template.yaml", "Resources: {Role: {Type: \"AWS::IAM::Role\"}}");

        var run = await CommandRun.Of("up", file, "--state", Path.Combine(_text.Folder, "state"), "--aws-profile", "no-such-profile-4711");

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("--aws-profile no-such-profile-4711: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(Directory.Exists(Path.Combine(_text.Folder, "state")));
    }

    [Fact]
    public void Knows_what_the_template_only_makes_up()
    {
        var template = _text.LoadValid("""
            Resources:
              Queue: {Type: "AWS::SQS::Queue"}
              Named: {Type: "AWS::SNS::Topic", Properties: {TopicName: my-topic}}
              Bucket: {Type: "AWS::S3::Bucket"}
              F: {Type: "AWS::Lambda::Function", Properties: {FunctionName: worker, Runtime: python3.12, Handler: index.handler, Code: {ZipFile: "x"}}}
            Outputs:
              Queue: {Value: !GetAtt Queue.Arn}
              Bucket: {Value: !Sub "${Bucket.Arn}/prefix"}
            """);
        var arns = new TemplateArns(template);

        Assert.All(template.EvaluateOutputs(), output => Assert.True(arns.IsDeclared(output.Value), output.Value));
        Assert.True(arns.IsDeclared("arn:aws:sns:us-west-2:123456789012:my-topic"));
        Assert.False(arns.IsDeclared("arn:aws:sqs:us-west-2:210987654321:elsewhere"));
        Assert.True(arns.IsFunction("arn:aws:lambda:us-west-2:123456789012:function:worker:live"));
        Assert.False(arns.IsFunction("arn:aws:lambda:us-west-2:210987654321:function:worker"));
    }
}
