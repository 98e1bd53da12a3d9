namespace UdpGateway.Cli.Tests.Templates;

public sealed class ServerlessTransformTests : IDisposable
{
    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public void Maps_a_serverless_function_with_its_globals()
    {
        Directory.CreateDirectory(Path.Combine(_text.Folder, "src"));

        var function = Assert.Single(_text.LoadValid("""
            Transform: AWS::Serverless-2016-10-31
            Globals:
              Function:
                Runtime: dotnet10
                Timeout: 10
                Environment: {Variables: {LEVEL: info, REGION: !Ref AWS::Region}}
            Resources:
              Echo:
                Type: AWS::Serverless::Function
                Properties:
                  FunctionName: !Sub "${AWS::StackName}-echo"
                  CodeUri: src
                  Handler: Echo::Echo.Function::Handle
                  MemorySize: 512
                  Environment: {Variables: {LEVEL: debug, KEY: !Sub "{{resolve:secretsmanager:key}}"}}
            """).Functions());

        Assert.Equal("Echo", function.LogicalId);
        Assert.Equal("sample-echo", function.FunctionName);
        Assert.Equal("dotnet10", function.Runtime);
        Assert.Equal("Echo::Echo.Function::Handle", function.Handler);
        Assert.Equal(Path.Combine(_text.Folder, "src"), function.CodeDirectory);
        Assert.Equal(TimeSpan.FromSeconds(10), function.Timeout);
        Assert.Equal(512, function.MemorySize);
        Assert.Equal(new Dictionary<string, string> { ["REGION"] = "us-west-2", ["LEVEL"] = "debug", ["KEY"] = "{{resolve:secretsmanager:key}}" }, function.Environment);
        Assert.Null(function.Obstacle);
    }

    [Fact]
    public void Maps_a_plain_function_with_inline_code()
    {
        var function = Assert.Single(_text.LoadValid("""
            Resources:
              Echo:
                Type: AWS::Lambda::Function
                Properties:
                  Runtime: python3.12
                  Handler: index.handler
                  Code:
                    ZipFile: |
                      def handler(event, context):
                          return event
                    S3Key: ""
            """).Functions());

        Assert.Equal("def handler(event, context):\n    return event\n", function.InlineCode);
        Assert.Matches("^sample-Echo-[A-Z2-7]{12}$", function.FunctionName);
        Assert.Equal(TimeSpan.FromSeconds(3), function.Timeout);
        Assert.Equal(128, function.MemorySize);
    }

    [Fact]
    public void Knows_what_becomes_of_asynchronous_invocations_that_fail()
    {
        var functions = _text.LoadValid("""
            Transform: AWS::Serverless-2016-10-31
            Resources:
              Queue: {Type: "AWS::SQS::Queue", Properties: {QueueName: failed}}
              Sam:
                Type: AWS::Serverless::Function
                Properties:
                  Runtime: python3.12
                  Handler: index.handler
                  InlineCode: x
                  EventInvokeConfig: {MaximumRetryAttempts: 0, DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Queue.Arn}}}
              Plain: {Type: "AWS::Lambda::Function", Properties: {Runtime: python3.12, Handler: index.handler, Code: {ZipFile: x}}}
              Config: {Type: "AWS::Lambda::EventInvokeConfig", Properties: {FunctionName: !GetAtt Plain.Arn, Qualifier: $LATEST, MaximumRetryAttempts: 1}}
              Silent: {Type: "AWS::Lambda::Function", Properties: {Runtime: python3.12, Handler: index.handler, Code: {ZipFile: x}}}
            """).Functions().ToDictionary(function => function.LogicalId, function => (function.MaximumRetryAttempts, function.OnFailure));

        Assert.Equal((0, "arn:aws:sqs:us-west-2:123456789012:failed"), functions["Sam"]);
        Assert.Equal((1, null), functions["Plain"]);
        Assert.Equal((2, null), functions["Silent"]);
    }

    [Theory]
    [InlineData("CodeUri: nowhere", "There is no folder nowhere beside the template.")]
    [InlineData("CodeUri: \"s3://bucket/key\"", "The function's code is not on this machine: a folder or inline code is needed.")]
    [InlineData("PackageType: Image", "The function is a container image, which is not run here.")]
    [InlineData("Handler: x", "The function has neither CodeUri nor InlineCode.")]
    [InlineData("InlineCode: x", "The function has no Runtime.")]
    public void Says_why_a_function_cannot_run(string properties, string obstacle)
    {
        var function = Assert.Single(_text.LoadValid($"Transform: AWS::Serverless-2016-10-31\nResources: {{Echo: {{Type: \"AWS::Serverless::Function\", Properties: {{{properties}}}}}}}").Functions());

        Assert.Equal(obstacle, function.Obstacle);
    }

    [Fact]
    public void Knows_the_resources_that_sam_adds()
    {
        var template = _text.LoadValid("""
            Transform: AWS::Serverless-2016-10-31
            Resources:
              Ui:
                Type: AWS::Serverless::Function
                Properties:
                  FunctionUrlConfig: {AuthType: NONE}
                  EventInvokeConfig: {MaximumRetryAttempts: 1}
                  Events: {Get: {Type: Api, Properties: {Path: /, Method: get}}, Loop: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}}
              Queue: {Type: "AWS::SQS::Queue", DependsOn: UiEventInvokeConfig, Properties: {Tag: !Ref Ui}}
            Outputs:
              Url: {Value: !GetAtt UiUrl.FunctionUrl}
              Role: {Value: !GetAtt UiRole.Arn}
              Api: {Value: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com"}
            """);

        var outputs = template.EvaluateOutputs();

        Assert.Matches("^https://[0-9a-f]{32}.lambda-url.us-west-2.on.aws/$", outputs[0].Value);
        Assert.Matches("^arn:aws:iam::123456789012:role/sample-UiRole-[A-Z2-7]{12}$", outputs[1].Value);
        Assert.Matches("^https://[0-9a-f]{10}.execute-api.us-west-2.amazonaws.com$", outputs[2].Value);
    }
}
