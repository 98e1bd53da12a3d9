using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.CloudFormation;
using UdpGateway.Provider.Tests.CloudFormation;
using UdpGateway.Provider.Tests.Emulation;
using UdpGateway.Provider.Tests.TestDoubles;
using static UdpGateway.Provider.Tests.ListenerLifecycleTests;
using static UdpGateway.Provider.Tests.ProviderProcessTests;

namespace UdpGateway.Provider.Tests;

/// <summary>The second function, which answers for a provider that cannot, as a real process with its table on moto.</summary>
public sealed class AnsweringFunctionTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private const string StackId = ProviderUnderTest.StackId;

    [RequiresMotoFact]
    public async Task A_provider_that_is_killed_at_its_start_fails_the_stack_at_once()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        provider.Function.Environment["TESTHOST_INIT"] = "kill";
        var stack = provider.NewStack();

        Assert.Equal("ROLLBACK_FAILED", await stack.CreateAsync(Gated()));
        provider.Function.Environment.Remove("TESTHOST_INIT");
        Assert.NotNull(await stack.SendAgainAsync(stack.Sent[1]));
        Assert.Equal("CREATE_COMPLETE", await stack.CreateAsync(Gated()));

        Assert.Contains("Runtime.ExitError", stack.Answers[0]!.Reason, StringComparison.Ordinal);
        Assert.Contains("/aws/lambda/provider", stack.Answers[0]!.Reason, StringComparison.Ordinal);
        Assert.Contains("FAILED", Text(await table.FindEventAsync(KeyOf(stack.Sent[0]))), StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task A_provider_that_cannot_start_says_why()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        provider.Function.Environment.Remove("UDPGW_DOMAIN");
        var stack = provider.NewStack();

        await stack.CreateAsync(Gated());

        Assert.Contains("UDPGW_DOMAIN is not set", stack.Answers[0]!.Reason, StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task A_provider_that_hangs_at_its_start_fails_the_stack()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table, TimeSpan.FromSeconds(2));
        provider.Function.Environment["TESTHOST_INIT"] = "hang";
        var stack = provider.NewStack();

        await stack.CreateAsync(Gated());

        Assert.Contains("timed out", stack.Answers[0]!.Reason, StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task A_provider_that_dies_with_every_attempt_leaves_nothing_behind()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        var stack = provider.NewStack();

        Assert.Equal("ROLLBACK_COMPLETE", await stack.CreateAsync(With(Gated(), "Description", "kill")));

        Assert.Contains("Runtime.ExitError", stack.Answers[0]!.Reason, StringComparison.Ordinal);
        var (ids, secretFiles, _) = await provider.EndAndReadStoreAsync();
        Assert.Empty(ids);
        Assert.Empty(secretFiles);
    }

    [RequiresMotoFact]
    public async Task An_answer_that_the_provider_could_not_deliver_is_delivered()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table, TimeSpan.FromSeconds(8), sharedTable: true);
        provider.Endpoint.Refusals = int.MaxValue;
        var stack = provider.NewStack();
        var create = stack.CreateAsync(Gated());
        while (provider.Lambda.Invocations.All(invocation => invocation.Function != "answering"))
            await Task.Delay(20);
        provider.Endpoint.Refusals = 0;

        Assert.Equal("CREATE_COMPLETE", await create);
        Assert.Equal("UPDATE_COMPLETE", await stack.UpdateAsync(With(Gated(), "Description", "later")));
        Assert.Equal("DELETE_COMPLETE", await stack.DeleteAsync());

        Assert.Contains("ResponseUndeliveredException", Assert.Single(provider.Lambda.Errors), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(provider.DirectoryPath, "secrets")));
    }

    [RequiresMotoFact]
    public async Task One_event_in_many_processes_at_once_makes_one_listener_and_one_answer()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table, sharedTable: true, concurrency: 4);
        var create = Create(provider.Endpoint.Url("parallel"));
        create["ResourceProperties"] = Gated();

        foreach (var _ in Enumerable.Range(0, 4))
            provider.Lambda.SendEvent("provider", create.ToJsonString());
        await provider.Lambda.WhenIdleAsync();

        var bodies = provider.Endpoint.Taken.Select(taken => taken.Body).ToArray();
        Assert.Equal(4, bodies.Length);
        Assert.All(bodies, body => Assert.Equal(bodies[0], body));
        Assert.True(new Answer(bodies[0]).Succeeded, new Answer(bodies[0]).Reason);
        Assert.Single(Directory.GetFiles(Path.Combine(provider.DirectoryPath, "secrets")));
        Assert.Empty(provider.Lambda.Errors);
    }

    [RequiresMotoFact]
    public async Task An_answer_that_is_recorded_is_sent_as_it_is()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        var request = Create(provider.Endpoint.Url("recorded"));
        const string Recorded = """{"Status":"SUCCESS","PhysicalResourceId":"echo"}""";
        await table.RecordAnswerAsync(KeyOf(request), Recorded);

        await SendRecordAsync(provider, request);

        Assert.Equal(Recorded, Encoding.UTF8.GetString(Assert.Single(provider.Endpoint.Taken).Body));
    }

    [RequiresMotoFact]
    public async Task Its_own_answer_is_recorded_and_holds()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        var request = Create(provider.Endpoint.Url("first"));
        await SendRecordAsync(provider, request, "first cause");
        request["ResponseURL"] = provider.Endpoint.Url("second");

        await SendRecordAsync(provider, request, "second cause");

        var taken = provider.Endpoint.Taken;
        Assert.Equal(["first", "second"], taken.Select(answer => answer.Path));
        Assert.Equal(taken[0].Body, taken[1].Body);
        Assert.Contains("first cause", new Answer(taken[0].Body).Reason, StringComparison.Ordinal);
        Assert.Equal("0", (await table.FindEventAsync(KeyOf(request)))!["EventSequence"]!["N"]!.GetValue<string>());
    }

    [RequiresMotoFact]
    public async Task It_answers_also_without_its_table()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table, tableName: "no-such-table");

        await SendRecordAsync(provider, Create(provider.Endpoint.Url()));

        Assert.False(new Answer(Assert.Single(provider.Endpoint.Taken).Body).Succeeded);
        Assert.Contains(provider.Lambda.Output, line => line.Contains("could not be recorded", StringComparison.Ordinal));
    }

    [RequiresMotoFact]
    public async Task A_refused_put_is_repeated()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        provider.Endpoint.Refusals = 2;

        await SendRecordAsync(provider, Create(provider.Endpoint.Url()));

        Assert.False(new Answer(Assert.Single(provider.Endpoint.Taken).Body).Succeeded);
        Assert.Equal(2, provider.Endpoint.Refused);
    }

    [RequiresMotoFact]
    public async Task An_event_in_both_envelopes_is_found_and_its_long_cause_cut()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        var update = Create(provider.Endpoint.Url());
        update["RequestType"] = "Update";
        update["PhysicalResourceId"] = "echo";
        update["LogicalResourceId"] = new string('L', 2600);
        var notice = new JsonObject { ["Records"] = new JsonArray(new JsonObject { ["Sns"] = new JsonObject { ["Message"] = update.ToJsonString() } }) };
        var continued = Encoding.UTF8.GetString(new Continuation(2, DateTimeOffset.UtcNow).WrapNext(Encoding.UTF8.GetBytes(notice.ToJsonString())));

        await SendRecordAsync(provider, JsonNode.Parse(continued)!, new string('"', 9000));

        var answer = new Answer(Assert.Single(provider.Endpoint.Taken).Body);
        Assert.False(answer.Succeeded);
        Assert.Equal("echo", answer.PhysicalResourceId);
    }

    [RequiresMotoFact]
    public async Task An_id_that_no_answer_may_have_is_not_repeated()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        var delete = Create(provider.Endpoint.Url());
        (delete["RequestType"], delete["PhysicalResourceId"]) = ("Delete", new string('i', 5000));

        await SendRecordAsync(provider, delete);

        var answer = new Answer(Assert.Single(provider.Endpoint.Taken).Body);
        Assert.Equal($"failed-{answer.Text("RequestId")}", answer.PhysicalResourceId);
        Assert.Contains("exit status 3", answer.Reason, StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task What_is_no_event_is_dropped_and_nothing_secret_is_logged()
    {
        using var table = await ProviderTable.CreateAsync(moto);
        await using var provider = await StartAsync(table);
        var foreign = Create("https://example.com/not-to-be-logged");
        foreign["ResourceProperties"] = Gated();

        await SendRecordAsync(provider, foreign);
        await SendRecordAsync(provider, "text");
        await SendRecordAsync(provider, new JsonObject { ["Records"] = new JsonArray() });
        foreign["ResponseURL"] = provider.Endpoint.Url();
        await SendRecordAsync(provider, foreign);

        Assert.Single(provider.Endpoint.Taken);
        var output = string.Join('\n', provider.Lambda.Output);
        Assert.Contains("a host that is not CloudFormation's", output, StringComparison.Ordinal);
        Assert.Contains("nobody to answer", output, StringComparison.Ordinal);
        Assert.DoesNotContain("not-to-be-logged", output, StringComparison.Ordinal);
        Assert.DoesNotContain(Gated()["UnknownPeerPreSharedKey"]!.GetValue<string>(), output, StringComparison.Ordinal);
        Assert.Empty(provider.Lambda.Errors);
    }

    [RequiresMotoFact]
    public async Task It_takes_the_same_addresses_for_CloudFormations_as_the_provider()
    {
        const string Script = """
            import json, sys, urllib.parse, answering_function
            for line in sys.stdin:
                url, region = json.loads(line)
                print(answering_function.find_address({"ResponseURL": url, "StackId": "arn:aws:cloudformation:%s:1:stack/s/g" % region}) is not None)
            """;
        var start = new ProcessStartInfo("python3", ["-B", "-c", Script]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["PYTHONPATH"] = Repository.File("templates", "answering-function");
        using var python = Process.Start(start)!;

        foreach (var address in ResponseUrlTests.Addresses)
            await python.StandardInput.WriteLineAsync(new JsonArray((string)address[0], (string)address[1]).ToJsonString());
        python.StandardInput.Close();

        var accepted = (await python.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ResponseUrlTests.Addresses.Select(address => address[2].ToString()), accepted);
    }

    private static JsonObject Create(string responseUrl) => new()
    {
        ["RequestType"] = "Create",
        ["ResponseURL"] = responseUrl,
        ["StackId"] = StackId,
        ["RequestId"] = $"request-{Guid.NewGuid():N}",
        ["LogicalResourceId"] = "Listener",
        ["ResourceType"] = "Custom::ProxylityUdpGatewayListener",
        ["ResourceProperties"] = new JsonObject(),
    };

    private static RequestKey KeyOf(JsonObject request) =>
        new(request["StackId"]!.GetValue<string>(), request["LogicalResourceId"]!.GetValue<string>(), request["RequestId"]!.GetValue<string>());

    private static string Text(JsonObject? item) => Encoding.UTF8.GetString(Convert.FromBase64String(item!["Answer"]!["B"]!.GetValue<string>()));

    private async Task<EmulatedProvider> StartAsync(ProviderTable table, TimeSpan? timeout = null, string? tableName = null, bool sharedTable = false, int concurrency = 1)
    {
        var provider = await EmulatedProvider.StartAsync(timeout, onFailure: "answering", concurrency: concurrency);
        var administrator = await moto.Administrator.GetCredentialsAsync();
        if (sharedTable)
        {
            var variables = provider.Function.Environment;
            variables["UDPGW_TABLE"] = table.Name;
            variables["AWS_ENDPOINT_URL_DYNAMODB"] = moto.Url.ToString();
            variables["AWS_ACCESS_KEY_ID"] = administrator.AccessKey;
            variables["AWS_SECRET_ACCESS_KEY"] = administrator.SecretKey;
        }

        provider.Lambda.Add(new EmulatedFunction
        {
            Name = "answering",
            FileName = "python3",
            Arguments = ["-B", Repository.File("src", "Cli", "LocalLambda", "Runtimes", "runtime_client.py")],
            Environment =
            {
                ["_HANDLER"] = "answering_function_on_loopback.handler",
                ["LAMBDA_TASK_ROOT"] = Repository.File("tests", "Provider", "Emulation"),
                ["ANSWERING_FUNCTION"] = Repository.File("templates", "answering-function"),
                ["PYTHONUNBUFFERED"] = "1",
                ["UDPGW_TABLE"] = tableName ?? table.Name,
                ["AWS_ENDPOINT_URL"] = moto.Url.ToString(),
                ["AWS_ACCESS_KEY_ID"] = administrator.AccessKey,
                ["AWS_SECRET_ACCESS_KEY"] = administrator.SecretKey,
            },
        });
        return provider;
    }

    private static async Task SendRecordAsync(EmulatedProvider provider, JsonNode payload, string cause = "exit status 3")
    {
        var record = new JsonObject
        {
            ["version"] = "1.0",
            ["requestContext"] = new JsonObject { ["functionArn"] = "arn:aws:lambda:us-west-2:123456789012:function:provider:$LATEST", ["condition"] = "RetriesExhausted" },
            ["requestPayload"] = payload.DeepClone(),
            ["responsePayload"] = new JsonObject { ["errorType"] = "Runtime.ExitError", ["errorMessage"] = cause },
        };
        await provider.Lambda.InvokeAsync("answering", record.ToJsonString());
    }
}
