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

    [Theory]
    [InlineData("sso_start_url = https://example.awsapps.com/start\nsso_region = us-west-2\nsso_account_id = 123456789012\nsso_role_name = dev")]
    [InlineData("sso_session = work\nsso_account_id = 123456789012\nsso_role_name = dev\n[sso-session work]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-west-2")]
    public void Says_how_a_profile_that_signs_in_with_SSO_can_be_used(string profile)
    {
        var file = _text.Write("profiles", $"[work]\n{profile}\n");

        var mistake = Assert.Throws<UserErrorException>(() => AwsProfile.Open("work", file));

        Assert.Contains("credential_process = aws configure export-credentials --profile work", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Takes_the_credentials_that_another_program_prints()
    {
        if (OperatingSystem.IsWindows())
            return;
        var program = _text.Write("login", "#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"AKIAEXAMPLE\", \"SecretAccessKey\": \"secret\", \"SessionToken\": \"token\"}'\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var file = _text.Write("profiles", $"[work]\ncredential_process = {program}\n");

        var variables = AwsProfile.Open("work", file).ToVariables();

        Assert.Equal(("AKIAEXAMPLE", "token"), (variables["AWS_ACCESS_KEY_ID"], variables["AWS_SESSION_TOKEN"]));
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
