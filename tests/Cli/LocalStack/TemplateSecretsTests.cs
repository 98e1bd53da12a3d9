using System.Text.Json.Nodes;
using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Templates;
using UdpGateway.Cli.Tests.Templates;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Cli.Tests.LocalStack;

public sealed class TemplateSecretsTests : IDisposable
{
    private readonly TemplateText _text = new();
    private readonly EmbeddedStore _store;

    public TemplateSecretsTests() => _store = new EmbeddedStore(Path.Combine(_text.Folder, "state"));

    public void Dispose()
    {
        _store.Dispose();
        _text.Dispose();
    }

    [Fact]
    public async Task Keeps_a_declared_secret_where_its_ref_finds_it()
    {
        var template = await StoreAsync("""
            Resources:
              Key: {Type: "AWS::SecretsManager::Secret", Properties: {SecretString: hush}}
              Probe: {Type: "Custom::X", Properties: {V: !Sub "{{resolve:secretsmanager:${Key}:SecretString}}"}}
            """);

        var text = ((ScalarNode)template.EvaluateProperties(template.Resources[1]).Find("V")!).Text;
        Assert.True(SecretReferenceText.TryParse(text, out var reference, out _));
        Assert.Equal("hush", (await _store.ReadAsync(reference, default)).Value);
    }

    [Fact]
    public void Says_which_secrets_that_the_user_gives_are_never_read()
    {
        var template = _text.LoadValid("""
            Resources:
              DevicePsk: {Type: "AWS::SecretsManager::Secret", Properties: {Name: devices/psk}}
              Probe: {Type: "Custom::X", Properties: {V: "{{resolve:secretsmanager:elsewhere:SecretString}}"}}
            """);

        var sentence = Assert.Single(TemplateSecrets.ExplainUnused(template, ["DevicePsk", "devices/psk", "elsewhere", "DevicePks"]));

        Assert.Equal("--secret DevicePks: the template makes no secret of that name, and nothing refers to one. Did you mean 'DevicePsk'?", sentence);
    }

    [Fact]
    public async Task Takes_the_file_that_the_user_gives_for_a_secret()
    {
        var file = _text.Write("key", "from file\n");
        const string Content = "Resources: {Key: {Type: \"AWS::SecretsManager::Secret\", Properties: {Name: app/key, SecretString: hush}}}";

        await StoreAsync(Content, ("Key", file), ("other", file));

        Assert.Equal("from file", (await _store.ReadAsync(new SecretReference("app/key"), default)).Value);
        Assert.Equal("from file", (await _store.ReadAsync(new SecretReference("other"), default)).Value);
    }

    [Fact]
    public async Task Generates_a_secret_once()
    {
        const string Content = """
            Resources:
              Key: {Type: "AWS::SecretsManager::Secret", Properties: {Name: key, GenerateSecretString: {PasswordLength: 20, ExcludePunctuation: true, ExcludeCharacters: "0O1l"}}}
            """;

        await StoreAsync(Content);
        var first = (await _store.ReadAsync(new SecretReference("key"), default)).Value;
        await StoreAsync(Content);
        var second = (await _store.ReadAsync(new SecretReference("key"), default)).Value;

        Assert.Matches("^[a-km-zA-NP-Z2-9]{20}$", first);
        Assert.Equal(first, second);
    }

    [Fact]
    public async Task Generates_into_a_json_template()
    {
        await StoreAsync("""
            Resources:
              Key: {Type: "AWS::SecretsManager::Secret", Properties: {Name: key, GenerateSecretString: {SecretStringTemplate: '{"user":"a"}', GenerateStringKey: password}}}
            """);

        var secret = JsonNode.Parse((await _store.ReadAsync(new SecretReference("key"), default)).Value!)!;
        Assert.Equal("a", secret["user"]!.ToString());
        Assert.Equal(32, secret["password"]!.ToString().Length);
    }

    [Fact]
    public async Task Leaves_a_secret_without_a_value_empty()
    {
        await StoreAsync("Resources: {Key: {Type: \"AWS::SecretsManager::Secret\", Properties: {Name: key}}}");

        Assert.Equal(SecretReadStatus.Missing, (await _store.ReadAsync(new SecretReference("key"), default)).Status);
    }

    [Fact]
    public async Task Resolves_references_in_the_environment_of_a_function()
    {
        var template = await StoreAsync("""
            Resources:
              Key: {Type: "AWS::SecretsManager::Secret", Properties: {Name: key, SecretString: '{"password":"hush"}'}}
              Echo:
                Type: AWS::Lambda::Function
                Properties:
                  Runtime: python3.12
                  Handler: index.handler
                  Code: {ZipFile: x}
                  Environment: {Variables: {A: "{{resolve:secretsmanager:key:SecretString:password}}", B: plain}}
            """);

        var environment = await new TemplateSecrets(_store).ResolveAsync(Assert.Single(template.Functions()), _text.Problems, default);

        Assert.Equal(new Dictionary<string, string> { ["A"] = "hush", ["B"] = "plain" }, environment);
    }

    [Fact]
    public async Task Resolves_parameters_and_several_references_in_one_text()
    {
        var file = _text.Write("given.txt", "given\n");
        var template = await StoreAsync("""
            Resources:
              Key: {Type: "AWS::SecretsManager::Secret", Properties: {Name: key, SecretString: hush}}
              Stage: {Type: "AWS::SSM::Parameter", Properties: {Name: /app/stage, Type: String, Value: dev}}
              Echo:
                Type: AWS::Lambda::Function
                Properties:
                  Runtime: python3.12
                  Handler: index.handler
                  Code: {ZipFile: x}
                  Environment: {Variables: {A: "{{resolve:ssm:/app/stage:3}}-{{resolve:secretsmanager:key}}!", B: "{{resolve:ssm:/app/given}}"}}
            """, ("/app/given", file));

        var environment = await new TemplateSecrets(_store).ResolveAsync(Assert.Single(template.Functions()), _text.Problems, default);

        Assert.Equal(new Dictionary<string, string> { ["A"] = "dev-hush!", ["B"] = "given" }, environment);
        Assert.Empty(_text.Lines);
    }

    [Theory]
    [InlineData("{{resolve:ssm:/none}}", "The parameter /none of the SSM parameter store does not exist here; declare it as an AWS::SSM::Parameter, or give it with --secret /none=FILE.")]
    [InlineData("{{resolve:ssm-secure:/none:1}}", "CloudFormation resolves no ssm-secure reference in the environment of a function; read the parameter in the function.")]
    [InlineData("{{resolve:secretsmanager:none}}", "The secret none does not exist here, or not in the form that the reference names; give it with --secret NAME=FILE.")]
    [InlineData("{{resolve:secretsmanager:none", "The reference must be exactly one reference of the form {{resolve:secretsmanager:name-or-arn:SecretString:json-key:version-stage:version-id}}, with nothing before or after it.")]
    public async Task Says_why_a_reference_cannot_be_resolved(string reference, string sentence)
    {
        var template = _text.LoadValid($"""
            Resources:
              Echo:
                Type: AWS::Lambda::Function
                Properties:
                  Runtime: python3.12
                  Handler: index.handler
                  Code:
                    ZipFile: x
                  Environment:
                    Variables:
                      A: "{reference}"
            """);

        await new TemplateSecrets(_store).ResolveAsync(Assert.Single(template.Functions()), _text.Problems, default);

        Assert.Equal(["template.yaml:2: Resources.Echo.Properties.Environment.Variables.A: " + sentence], _text.Lines);
    }

    [Theory]
    [InlineData("{PasswordLength: 9999}", "PasswordLength: '9999' is not a length of 1 to 4096.")]
    [InlineData("{GenerateStringKey: k, SecretStringTemplate: nonsense}", "SecretStringTemplate: This is no JSON.")]
    [InlineData("{ExcludeLowercase: true, ExcludeUppercase: true, ExcludeNumbers: true, ExcludePunctuation: true}", "Every character is excluded.")]
    public async Task Says_what_is_wrong_with_a_rule(string rules, string sentence)
    {
        var template = _text.LoadValid($"Resources: {{Key: {{Type: \"AWS::SecretsManager::Secret\", Properties: {{GenerateSecretString: {rules}}}}}}}");

        await new TemplateSecrets(_store).StoreAsync(template, new Dictionary<string, string>(), _text.Problems, default);

        Assert.EndsWith(sentence, Assert.Single(_text.Lines), StringComparison.Ordinal);
    }

    private async Task<Template> StoreAsync(string content, params (string Name, string File)[] files)
    {
        var template = _text.LoadValid(content);
        await new TemplateSecrets(_store).StoreAsync(template, files.ToDictionary(entry => entry.Name, entry => entry.File), _text.Problems, default);
        Assert.Empty(_text.Lines);
        return template;
    }
}
