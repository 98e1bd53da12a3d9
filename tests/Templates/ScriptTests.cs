using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using UdpGateway.Tests;

namespace UdpGateway.Templates.Tests;

/// <summary>
/// The scripts for an AWS account, without one: every tool that they call is replaced by one that notes how it was called and answers as
/// the real one would. So the order and the arguments of the calls are certain; what AWS makes of them is not.
/// </summary>
public sealed partial class ScriptTests : IDisposable
{
    private const string Image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/udp-gateway-trial:";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("udpgw-scripts-");

    private string Journal => Path.Combine(_folder.FullName, "journal");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_image_is_published_under_a_new_tag_to_a_repository_that_is_made_once()
    {
        var first = await PublishAsync("--region", "us-west-2");
        var second = await PublishAsync("--region", "us-west-2");

        Assert.Matches("^123456789012\\.dkr\\.ecr\\.us-west-2\\.amazonaws\\.com/udp-gateway:[A-Za-z0-9._-]+\n$", first.Output);
        var tag = first.Output.Trim().Split(':')[1];
        Assert.Equal(
            [
                "aws sts get-caller-identity --query Account --output text",
                "aws ecr describe-repositories --repository-names udp-gateway",
                "aws ecr create-repository --repository-name udp-gateway --image-tag-mutability IMMUTABLE --image-scanning-configuration scanOnPush=true",
                "aws ecr put-lifecycle-policy --repository-name udp-gateway",
                "aws ecr get-login-password",
                $"dotnet publish src/Gateway -c Release -t:PublishContainer -p:ContainerRegistry=123456789012.dkr.ecr.us-west-2.amazonaws.com -p:ContainerRepository=udp-gateway -p:ContainerImageTag={tag} as AWS",
            ],
            first.Calls.Select(call => call.Split(" --lifecycle-policy-text")[0]));
        Assert.DoesNotContain(second.Calls, call => call.Contains("create-repository", StringComparison.Ordinal));
        Assert.All(first.Calls.Append(first.Output).Append(first.Error), text => Assert.DoesNotContain("the-password", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_region_of_China_has_a_registry_of_its_own_suffix()
    {
        var run = await PublishAsync("--region", "cn-north-1", "--repository", "mine", "--tag", "v1");

        Assert.Equal("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/mine:v1\n", run.Output);
    }

    [Fact]
    public async Task A_trial_deploys_uses_and_takes_down_everything_that_it_made()
    {
        var run = await TryAsync();

        Assert.True(run.ExitCode == 0, run.Error);
        AssertInOrder(
            run.Calls,
            "aws sts get-caller-identity ",
            "aws cloudformation describe-stacks --stack-name udp-gateway$",
            "aws cloudformation describe-stacks --stack-name udp-gateway-trial$",
            "aws cloudformation describe-stacks --stack-name udp-gateway-trial-durable$",
            "aws iot describe-thing --thing-name udp-gateway-trial-durable$",
            "aws iam get-role --role-name udp-gateway-service-eu-west-1$",
            "aws ecr describe-repositories --repository-names udp-gateway-trial$",
            "dotnet run .* -- validate samples/open-wireguard/template.yaml$",
            "dotnet publish src/Gateway .* -p:ContainerRepository=udp-gateway-trial ",
            "sam build --template-file templates/provider.yaml --build-in-source ",
            $"sam deploy .*/provider/template.yaml --stack-name udp-gateway .*Image={Image}.* ImageRepository=udp-gateway-trial TaskCount=1 Zones=1 LogRetention=1 SecretArns=arn:aws:secretsmanager:eu-west-1:123456789012:secret:WireGuardPSK-\\*$",
            "sam build --template-file .*/sample/template.yaml ",
            "sam deploy .* --stack-name udp-gateway-trial ",
            "dotnet run .* -- send udp.example.com:20000 --public-key LISTENERS= --ping 10.8.0.1 ",
            "dotnet run .* -- send udp.example.com:20000 hello --public-key LISTENERS= --inner 10.8.0.1:7 ",
            "sam deploy --template-file samples/provisioning/durable.yaml --stack-name udp-gateway-trial-durable .* SharedKey=SHARED=$",
            """dotnet run .* -- send udp.example.com:20000 {"Serial": "udp-gateway-trial-durable", "CertificateSigningRequest": "a\\nb\\n"} --public-key LISTENERS= --psk """,
            "aws dynamodb get-item --table-name DevicesTable ",
            "aws logs tail /udp-gateway/gateway ",
            "aws iot detach-thing-principal --thing-name udp-gateway-trial-durable --principal arn:aws:iot:eu-west-1:123456789012:cert/abc$",
            "aws iot delete-certificate --certificate-id abc$",
            "aws iot delete-thing --thing-name udp-gateway-trial-durable$",
            "aws cloudformation delete-stack --stack-name udp-gateway-trial-durable$",
            "aws cloudformation delete-stack --stack-name udp-gateway-trial$",
            "aws cloudformation wait stack-delete-complete --stack-name udp-gateway-trial$",
            "aws cloudformation delete-stack --stack-name udp-gateway$",
            "aws cloudformation wait stack-delete-complete --stack-name udp-gateway$",
            "aws iam delete-role --role-name udp-gateway-service-eu-west-1$",
            "aws ecr delete-repository --repository-name udp-gateway-trial --force$",
            "aws logs delete-log-group --log-group-name /aws/lambda/udp-gateway-trial-function$");
        // What is looked for in the log stands there.
        Assert.Contains(run.Calls, call => call.Contains("--filter-pattern \"openssl cryptography\"", StringComparison.Ordinal));
        Assert.Contains("about 0.046 dollars an hour", run.Output, StringComparison.Ordinal);
        Assert.Contains("Everything is gone", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trial_grants_itself_what_the_templates_need_and_gives_only_parameters_that_there_are()
    {
        var run = await TryAsync();

        var deployment = run.Calls.Single(call => call.StartsWith("sam deploy", StringComparison.Ordinal) && call.Contains("--stack-name udp-gateway ", StringComparison.Ordinal));
        var template = await File.ReadAllTextAsync(Repository.PathOf("templates", "provider.yaml"));
        Assert.Contains("--capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND", deployment, StringComparison.Ordinal);
        var given = deployment.Split("--parameter-overrides ")[1].Split(' ').Select(pair => pair.Split('=')[0]).ToArray();
        Assert.NotEmpty(given);
        Assert.All(given, name => Assert.Matches($"(?m)^  {name}:$", template[..template.IndexOf("\nConditions:", StringComparison.Ordinal)]));
    }

    [RequiresRootFact]
    public async Task A_trial_with_wireguard_go_configures_it_pings_and_removes_its_interface()
    {
        var run = await TryAsync();

        Assert.True(run.ExitCode == 0, run.Error);
        AssertInOrder(
            run.Calls,
            "wireguard-go -f udpgw[0-9]+$",
            "wg set udpgw[0-9]+ private-key .* peer LISTENERS= endpoint udp.example.com:20000 allowed-ips 10.8.0.1/32 ",
            "ip address add 10.8.0.2/32 ",
            "ping -c 20 .* 10.8.0.1$",
            "wg show udpgw[0-9]+ latest-handshakes$",
            "ip link delete udpgw[0-9]+$",
            "aws cloudformation delete-stack --stack-name udp-gateway-trial$");
    }

    [Theory]
    [InlineData("--stack-name udp-gateway-trial ", 2)]
    [InlineData("--stack-name udp-gateway ", 1)]
    [InlineData("-- send .* --ping ", 2)]
    [InlineData("--stack-name udp-gateway-trial-durable ", 3)]
    public async Task A_trial_that_fails_takes_down_what_it_began_and_says_so_by_its_exit_code(string failing, int stacks)
    {
        var run = await TryAsync(("FAILING", failing));

        Assert.NotEqual(0, run.ExitCode);
        Assert.Equal(stacks, run.Calls.Count(call => call.StartsWith("aws cloudformation delete-stack", StringComparison.Ordinal)));
        Assert.Contains(run.Calls, call => call.StartsWith("aws ecr delete-repository", StringComparison.Ordinal));
        Assert.DoesNotContain("All of it works", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("describe-stacks --stack-name udp-gateway$")]
    [InlineData("describe-stacks --stack-name udp-gateway-trial$")]
    [InlineData("describe-stacks --stack-name udp-gateway-trial-durable$")]
    [InlineData("iot describe-thing")]
    [InlineData("iam get-role")]
    [InlineData("ecr describe-repositories")]
    public async Task A_trial_touches_nothing_where_something_of_its_names_is_already(string present)
    {
        var run = await TryAsync(("PRESENT", present));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("There is already", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(run.Calls, call => Changes().IsMatch(call));
    }

    [Fact]
    public async Task A_device_that_is_not_enrolled_is_a_failure()
    {
        var run = await TryAsync(("STATE", "registered"), ("PAUSE", "0"));

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("The device is registered.", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("All of it works", run.Output, StringComparison.Ordinal);
        Assert.Equal(3, run.Calls.Count(call => call.StartsWith("aws cloudformation delete-stack", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_gateway_without_the_base_images_OpenSSL_is_a_failure()
    {
        var run = await TryAsync(("STARTS", "0"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("does not load the OpenSSL", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trial_that_shall_stay_deletes_nothing()
    {
        var run = await RunAsync("templates/try-on-account", [], "--region", "eu-west-1", "--keep");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.DoesNotContain(run.Calls, call => call.StartsWith("aws", StringComparison.Ordinal) && call.Contains("delete", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stack_that_cannot_be_deleted_is_named_and_its_role_and_image_stay()
    {
        var run = await TryAsync(("FAILING", "wait stack-delete-complete --stack-name udp-gateway$"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("udp-gateway could not be deleted and still costs money", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(run.Calls, call => call.Contains("delete-role", StringComparison.Ordinal) || call.Contains("delete-repository", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sam_reads_from_samconfig_what_the_template_needs()
    {
        const string Print = "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))";
        var printed = await Tool.RunAsync("python3", "-c", Print, Repository.PathOf("samconfig.toml"));
        Assert.True(printed.ExitCode == 0, printed.Error);
        var settings = System.Text.Json.Nodes.JsonNode.Parse(printed.Output)!["default"]!;
        var template = await File.ReadAllTextAsync(Repository.PathOf(settings["build"]!["parameters"]!["template_file"]!.GetValue<string>().Split('/')));
        var capabilities = settings["deploy"]!["parameters"]!["capabilities"]!.GetValue<string>().Split(' ');

        Assert.Contains("Transform: AWS::Serverless", template, StringComparison.Ordinal);
        Assert.Contains("RoleName: ", template, StringComparison.Ordinal);
        Assert.Equal(["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"], capabilities.Order());
        // The function's project refers to those beside it, which a copy of its folder would not have.
        Assert.True(settings["build"]!["parameters"]!["build_in_source"]!.GetValue<bool>());
    }

    private Task<ScriptRun> PublishAsync(params string[] options) => RunAsync("templates/publish-image", [], options);

    private Task<ScriptRun> TryAsync(params (string Name, string Value)[] variables) => RunAsync("templates/try-on-account", variables, "--region", "eu-west-1");

    private async Task<ScriptRun> RunAsync(string script, (string Name, string Value)[] variables, params string[] options)
    {
        var tools = _folder.CreateSubdirectory("tools").FullName;
        foreach (var tool in (string[])["aws", "sam", "dotnet", "make", "wireguard-go", "wg", "ip", "ping", "openssl"])
            File.CreateSymbolicLink(Path.Combine(tools, tool), Repository.PathOf("tests", "Templates", "stand_in")).Refresh();
        await File.WriteAllTextAsync(Journal, "");
        string[] environment = [$"PATH={tools}:/usr/bin:/bin", $"JOURNAL={Journal}", $"REMEMBERED={_folder.FullName}", .. variables.Select(variable => $"{variable.Name}={variable.Value}")];

        var run = await Tool.RunAsync("env", [.. environment, "bash", Repository.PathOf(script.Split('/')), .. options]);

        Directory.Delete(tools, recursive: true);
        return new ScriptRun(run.ExitCode, run.Output, run.Error, await File.ReadAllLinesAsync(Journal));
    }

    private static void AssertInOrder(IReadOnlyList<string> calls, params string[] patterns)
    {
        var next = 0;
        foreach (var call in calls)
        {
            if (next < patterns.Length && Regex.IsMatch(call, patterns[next], RegexOptions.None, TimeSpan.FromSeconds(1)))
                next++;
        }

        Assert.True(next == patterns.Length, $"Not called, or too late: {patterns[Math.Min(next, patterns.Length - 1)]}\nCalled:\n{string.Join('\n', calls)}");
    }

    [GeneratedRegex("create|delete|put-|publish|deploy", RegexOptions.None, 1_000)]
    private static partial Regex Changes();

    private sealed record ScriptRun(int ExitCode, string Output, string Error, IReadOnlyList<string> Calls);
}

/// <summary>What only root may do is left out elsewhere; never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RequiresRootFactAttribute([CallerMemberName] string? test = null)
    : SkippableFactAttribute(Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable("CI") == "true" ? null : "It needs root.", test);
