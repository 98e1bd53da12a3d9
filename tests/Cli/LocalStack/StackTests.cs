using System.Text.Json.Nodes;
using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Templates;
using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.LocalStack;

public sealed class StackTests : IAsyncLifetime, IDisposable
{
    private readonly TemplateText _text = new();
    private readonly RecordingProvider _provider = new();
    private ResponseEndpoint _responses = null!;
    private StateDirectory _directory = null!;

    public async Task InitializeAsync()
    {
        _responses = await ResponseEndpoint.StartAsync(CancellationToken.None);
        _directory = StateDirectory.Open(Path.Combine(_text.Folder, "state"));
    }

    public async Task DisposeAsync()
    {
        await _responses.DisposeAsync();
        _directory.Store.Dispose();
    }

    public void Dispose()
    {
        _provider.Dispose();
        _text.Dispose();
    }

    [Fact]
    public async Task Sends_a_create_event_as_cloudformation_builds_it()
    {
        await ApplyAsync("""
            Parameters: {Size: {Type: Number, Default: 1.50}}
            Resources:
              Listener:
                Type: Custom::ProxylityUdpGatewayListener
                Properties:
                  ServiceToken: arn:aws:lambda:us-west-2:123456789012:function:p
                  AllowUnknownPeers: true
                  Count: 100
                  Empty: ""
                  Gone: !Ref AWS::NoValue
                  Missing:
                  Nested: [{Size: !Ref Size, List: [], Map: {}}]
            """);

        var request = Assert.Single(_provider.Events);
        Assert.Matches("^http://127.0.0.1:[0-9]+/[0-9a-f]{48}$", request["ResponseURL"]!.ToString());
        Assert.True(Guid.TryParse(request["RequestId"]!.ToString(), out _));
        request["ResponseURL"] = "URL";
        request["RequestId"] = "ID";
        Assert.Equal(
            """
            {"RequestType":"Create","ServiceToken":"arn:aws:lambda:us-west-2:123456789012:function:p","ResponseURL":"URL",
            "StackId":"arn:aws:cloudformation:us-west-2:123456789012:stack/sample/11111111-2222-3333-4444-555555555555","RequestId":"ID",
            "LogicalResourceId":"Listener","ResourceType":"Custom::ProxylityUdpGatewayListener",
            "ResourceProperties":{"ServiceToken":"arn:aws:lambda:us-west-2:123456789012:function:p","AllowUnknownPeers":"true","Count":"100","Empty":"",
            "Nested":[{"Size":"1.50","List":[],"Map":{}}]}}
            """.Replace("\n", "", StringComparison.Ordinal),
            request.ToJsonString());
    }

    [Fact]
    public async Task Gives_attributes_to_what_depends_on_them()
    {
        var template = await ApplyAsync("""
            Resources:
              Second: {Type: "Custom::UdpGatewayThing", Properties: {Of: !Ref First, Name: !Select [1, !GetAtt First.DestinationNames], Port: !Sub "${First.Port}"}}
              First: {Type: "Custom::ProxylityUdpGatewayListener"}
            Outputs:
              Names: {Value: !Join [",", !GetAtt First.DestinationNames]}
            """);

        Assert.Equal(["Create First", "Create Second"], _provider.Log);
        Assert.Equal("""{"Of":"First-1","Name":"b","Port":"4242"}""", _provider.Events[1]["ResourceProperties"]!.ToJsonString());
        Assert.Equal([KeyValuePair.Create("Names", "a,b")], template.EvaluateOutputs());
    }

    [Fact]
    public async Task Sends_nothing_for_what_did_not_change()
    {
        const string Content = "Resources: {A: {Type: \"Custom::UdpGatewayThing\", Properties: {V: 1}}}";
        await ApplyAsync(Content);

        await ApplyAsync(Content);

        Assert.Equal(["Create A"], _provider.Log);
    }

    [Fact]
    public async Task Updates_what_changed_with_both_sets_of_properties()
    {
        await ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\", Properties: {V: 1}}, B: {Type: \"Custom::UdpGatewayThing\"}}");

        await ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\", Properties: {V: 2}}, B: {Type: \"Custom::UdpGatewayThing\"}}");

        Assert.Equal(["Create A", "Create B", "Update A-1"], _provider.Log);
        Assert.Equal("""{"V":"2"}""", _provider.Events[2]["ResourceProperties"]!.ToJsonString());
        Assert.Equal("""{"V":"1"}""", _provider.Events[2]["OldResourceProperties"]!.ToJsonString());
    }

    [Fact]
    public async Task Deletes_a_replaced_generation_after_everything_else_with_its_old_properties()
    {
        await ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\", Properties: {V: 1}}}");
        _provider.Answer = request => request["RequestType"]!.ToString() == "Update"
            ? new JsonObject { ["Status"] = "SUCCESS", ["PhysicalResourceId"] = "A-2" }
            : RecordingProvider.Success(request, "B-1");

        await ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\", Properties: {V: 2}}, B: {Type: \"Custom::UdpGatewayThing\", DependsOn: A}}");

        Assert.Equal(["Create A", "Update A-1", "Create B", "Delete A-1"], _provider.Log);
        Assert.Equal("""{"V":"1"}""", _provider.Events[3]["ResourceProperties"]!.ToJsonString());
        Assert.Equal("A-2", _directory.Load()!.Resources[0].PhysicalResourceId);
    }

    [Fact]
    public async Task Deletes_what_the_template_no_longer_has_after_the_rest_and_backwards()
    {
        await ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\"}, B: {Type: \"Custom::UdpGatewayThing\"}}");

        await ApplyAsync("Resources: {C: {Type: \"Custom::UdpGatewayThing\"}}");

        Assert.Equal(["Create A", "Create B", "Create C", "Delete B-1", "Delete A-1"], _provider.Log);
        Assert.Equal("C", Assert.Single(_directory.Load()!.Resources).LogicalId);
    }

    [Fact]
    public async Task Rolls_a_failed_create_back_and_says_why()
    {
        _provider.Answer = request => request["RequestType"]!.ToString() == "Create" && request["LogicalResourceId"]!.ToString() == "B"
            ? RecordingProvider.Failure("B-failed", "Port 53 is taken.")
            : RecordingProvider.Success(request, "A-1");

        var error = await Assert.ThrowsAsync<UserErrorException>(() =>
            ApplyAsync("Resources:\n  A: {Type: \"Custom::UdpGatewayThing\"}\n  B: {Type: \"Custom::UdpGatewayThing\"}"));

        Assert.EndsWith("template.yaml:3: Resources.B: Port 53 is taken.", Assert.Single(error.Lines), StringComparison.Ordinal);
        Assert.Equal(["Create A", "Create B", "Delete B-failed", "Delete A-1"], _provider.Log);
        Assert.Empty(_directory.Load()!.Resources);
    }

    [Fact]
    public async Task Rolls_a_failed_update_back_with_the_properties_swapped()
    {
        await ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\", Properties: {V: 1}}}");
        _provider.Answer = request => request["ResourceProperties"]!["V"]!.ToString() == "2"
            ? RecordingProvider.Failure("A-1", "No.")
            : RecordingProvider.Success(request, "A-1");

        await Assert.ThrowsAsync<UserErrorException>(() => ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\", Properties: {V: 2}}}"));

        Assert.Equal(["Create A", "Update A-1", "Update A-1"], _provider.Log);
        Assert.Equal("""{"V":"1"}""", _provider.Events[2]["ResourceProperties"]!.ToJsonString());
        Assert.Equal("""{"V":"2"}""", _provider.Events[2]["OldResourceProperties"]!.ToJsonString());
        Assert.Equal("1", _directory.Load()!.Resources[0].Properties["V"]!.ToString());
    }

    [Fact]
    public async Task Deletes_by_an_id_that_nobody_chose_when_no_answer_came()
    {
        _provider.Answer = request => request["RequestType"]!.ToString() == "Create" ? null : RecordingProvider.Success(request, "");

        var error = await Assert.ThrowsAsync<UserErrorException>(() => ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\"}}"));

        Assert.EndsWith("The provider gave no answer.", error.Message, StringComparison.Ordinal);
        Assert.Matches("^sample-A-[0-9A-F]{12}$", _provider.Events[1]["PhysicalResourceId"]!.ToString());
    }

    [Theory]
    [InlineData("RequestId", "other", "does not repeat")]
    [InlineData("Status", "FINE", "neither SUCCESS nor FAILED")]
    [InlineData("PhysicalResourceId", "", "needs a PhysicalResourceId")]
    [InlineData("Reason", null, "Response object is too long")]
    public async Task Refuses_an_answer_that_cloudformation_would_refuse(string field, string? value, string sentence)
    {
        _provider.Answer = request =>
        {
            var answer = RecordingProvider.Success(request, "A-1");
            if (request["RequestType"]!.ToString() == "Create")
                answer[field] = value ?? new string('x', 5000);
            return answer;
        };

        var error = await Assert.ThrowsAsync<UserErrorException>(() => ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\"}}"));

        Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keeps_its_state_private()
    {
        if (OperatingSystem.IsWindows())
            return;
        await ApplyAsync("Resources: {A: {Type: \"Custom::UdpGatewayThing\"}}");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory.PathOf("stack.json")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_directory.Path));
    }

    private async Task<Template> ApplyAsync(string content)
    {
        var problems = new ProblemList();
        var template = Template.Load(_text.Write("template.yaml", content), TemplateText.Settings, problems)!;
        Assert.Empty(problems.Problems);
        var state = _directory.Load() ?? new StackState { StackId = TemplateText.Settings.StackId, StackName = "sample", Region = "us-west-2", AccountId = "123456789012" };
        await new Stack(_directory, state, _provider.HandleAsync, _responses, _ => { }).ApplyAsync(template, problems, CancellationToken.None);
        return template;
    }
}
