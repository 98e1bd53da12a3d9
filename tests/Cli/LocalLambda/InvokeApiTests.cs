using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Cli.LocalLambda;

namespace UdpGateway.Cli.Tests.LocalLambda;

public sealed class InvokeApiTests
{
    private const string Echo = "def handler(event, context):\n    return event\n";

    [RequiresProgramFact("python3")]
    public async Task Answers_with_what_the_function_returns()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(Echo));

        using var response = await functions.InvokeAsync("Echo", """{"text":"grüße"}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("""{"text": "grüße"}""", await response.Content.ReadAsStringAsync());
        Assert.Equal("$LATEST", response.Headers.GetValues("X-Amz-Executed-Version").Single());
        Assert.True(Guid.TryParse(response.Headers.GetValues("x-amzn-RequestId").Single(), out _));
        Assert.False(response.Headers.Contains("X-Amz-Function-Error"));
    }

    [RequiresProgramFact("python3")]
    public async Task Accepts_every_way_to_name_a_function()
    {
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("def handler(event, context):\n    return context.invoked_function_arn\n"));
        const string arn = "arn:aws:lambda:us-west-2:123456789012:function:Echo";

        Assert.Equal($"\"{arn}\"", await functions.AskAsync("Echo", "{}"));
        Assert.Equal($"\"{arn}:live\"", await functions.AskAsync("Echo:live", "{}"));
        Assert.Equal($"\"{arn}\"", await functions.AskAsync("123456789012:function:Echo", "{}"));
        Assert.Equal($"\"{arn}\"", await functions.AskAsync(arn, "{}"));
        Assert.Equal($"\"{arn}:$LATEST\"", await functions.AskAsync(arn + ":$LATEST", "{}"));
    }

    [RequiresProgramFact("python3")]
    public async Task Says_not_found_for_a_function_that_is_not_here()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(Echo));

        foreach (var name in new[] { "Other", "arn:aws:lambda:eu-west-1:123456789012:function:Echo", "999999999999:function:Echo" })
        {
            using var response = await functions.InvokeAsync(name, "{}");
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());

            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.Equal("ResourceNotFoundException", response.Headers.GetValues("X-Amzn-ErrorType").Single());
            Assert.Equal("User", body.RootElement.GetProperty("Type").GetString());
            Assert.StartsWith("Function not found: arn:aws:lambda:", body.RootElement.GetProperty("Message").GetString(), StringComparison.Ordinal);
        }
    }

    [RequiresProgramFact("python3")]
    public async Task Runs_nothing_for_DryRun()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python("print('loaded')\n" + Echo));

        using var response = await functions.InvokeAsync("Echo", "{}", "DryRun");

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal("{}", await functions.AskAsync("Echo", "{}"));
        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Contains("Echo: loaded"), "the only start");
        Assert.Single(functions.Log.Lines, line => line == "Echo: loaded");
    }

    [RequiresProgramFact("python3")]
    public async Task Refuses_what_Lambda_refuses()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(Echo));

        await Refused(await functions.InvokeAsync("Echo", "{no json"), 400, "InvalidRequestContentException");
        await Refused(await functions.InvokeAsync("Echo", "{}", "Sometimes"), 400, "InvalidParameterValueException");
        await Refused(await functions.InvokeAsync("not a name", "{}"), 400, "ValidationException");
        await Refused(await functions.InvokeAsync("Echo", Text(6_291_557)), 413, "RequestTooLargeException");
        await Refused(await functions.InvokeAsync("Echo", Text(1_048_577), "Event"), 413, "RequestTooLargeException");

        static async Task Refused(HttpResponseMessage response, int status, string type)
        {
            using (response)
            {
                Assert.Equal((status, type), ((int)response.StatusCode, response.Headers.GetValues("X-Amzn-ErrorType").Single()));
                using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
                Assert.Equal("User", body.RootElement.GetProperty("Type").GetString());
            }
        }
    }

    [RequiresProgramFact("python3")]
    public async Task Carries_payloads_up_to_the_limit_and_refuses_larger_answers()
    {
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("def handler(event, context):\n    return event if isinstance(event, str) else 'x' * event\n"));

        using var largest = await functions.InvokeAsync("Echo", Text(6_291_556));
        using var tooLarge = await functions.InvokeAsync("Echo", "6291556");

        Assert.Equal(6_291_556, (await largest.Content.ReadAsByteArrayAsync()).Length);
        Assert.Equal("Unhandled", tooLarge.Headers.GetValues("X-Amz-Function-Error").Single());
        Assert.Contains("Function.ResponseSizeTooLarge", await tooLarge.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("\"still here\"", await functions.AskAsync("Echo", "\"still here\""));
    }

    [RequiresProgramFact("python3")]
    public async Task Throttles_when_too_many_wait()
    {
        await using var functions = await RunningFunctions.StartAsync(
            options => options with { MaximumConcurrency = 1, MaximumWaiting = 1 },
            RunningFunctions.Python("import os, time\ndef handler(event, context):\n    while not os.path.exists(event): time.sleep(0.01)\n"));
        var release = Path.Combine(functions.StateDirectory, "release");
        var payload = JsonSerializer.Serialize(release);

        // One runs or waits for the process, one more waits; of three, one finds no place.
        var invocations = Enumerable.Range(0, 3).Select(_ => functions.InvokeAsync("Echo", payload)).ToList();
        using var refused = await await Task.WhenAny(invocations);
        await File.WriteAllTextAsync(release, "");
        var all = await Task.WhenAll(invocations);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("TooManyRequestsException", refused.Headers.GetValues("X-Amzn-ErrorType").Single());
        Assert.Contains(all, response => response.StatusCode == HttpStatusCode.OK);
        foreach (var response in all) response.Dispose();
    }

    [RequiresProgramFact("python3")]
    public async Task Repeats_a_failed_event_until_it_succeeds()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(
            """
            def handler(event, context):
                with open(event, "a") as file:
                    file.write(context.aws_request_id + "\n")
                with open(event) as file:
                    if len(file.readlines()) < 3:
                        raise ValueError("not yet")
                print("done")
            """));
        var attempts = Path.Combine(functions.StateDirectory, "attempts");

        using var response = await functions.InvokeAsync("Echo", JsonSerializer.Serialize(attempts), "Event");

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Contains("Echo: done"), "the third attempt");
        var ids = await File.ReadAllLinesAsync(attempts);
        Assert.Equal(3, ids.Length);
        Assert.Single(ids.Distinct(StringComparer.Ordinal));
        Assert.Equal(response.Headers.GetValues("x-amzn-RequestId").Single(), ids[0]);
    }

    [RequiresProgramFact("python3")]
    public async Task Gives_an_event_up_after_three_attempts()
    {
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("def handler(event, context):\n    print('attempt')\n    raise ValueError('never')\n"));

        using var response = await functions.InvokeAsync("Echo", "{}", "Event");

        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Any(line => line.Contains("failed 3 times and is discarded", StringComparison.Ordinal)), "the end of the retries");
        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Count(line => line == "Echo: attempt") == 3, "three attempts");
    }

    [RequiresProgramFact("python3")]
    public async Task Repeats_an_event_as_often_as_the_function_says_and_tells_its_failure_destination()
    {
        const string fails = "def handler(event, context):\n    print('attempt')\n    raise ValueError('never')\n";
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python(fails) with { MaximumRetryAttempts = 0, OnFailure = "arn:aws:lambda:us-west-2:123456789012:function:Undertaker" },
            RunningFunctions.Python(fails, "Other") with { MaximumRetryAttempts = 1, OnFailure = "arn:aws:sqs:us-west-2:123456789012:failed" },
            RunningFunctions.Python("import json\ndef handler(event, context):\n    print(json.dumps(event))\n", "Undertaker"));

        using var first = await functions.InvokeAsync("Echo", "{\"n\":1}", "Event");
        using var second = await functions.InvokeAsync("Other", "{\"n\":2}", "Event");

        var file = FunctionFolders.FailedEvents(functions.StateDirectory, RunningFunctions.Python("", "Other"));
        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Any(line => line.StartsWith("Undertaker: {", StringComparison.Ordinal)) && functions.Log.Lines.Any(line => line.Contains(file, StringComparison.Ordinal)), "both records");
        var told = JsonNode.Parse(functions.Log.Lines.First(line => line.StartsWith("Undertaker: {", StringComparison.Ordinal))["Undertaker: ".Length..])!;
        var written = JsonNode.Parse(Assert.Single(await File.ReadAllLinesAsync(file)))!;
        Assert.Equal((1, 1, "ValueError"), ((int)told["requestPayload"]!["n"]!, (int)told["requestContext"]!["approximateInvokeCount"]!, told["responsePayload"]!["errorType"]!.ToString()));
        Assert.Equal((2, 2, first.Headers.GetValues("x-amzn-RequestId").Single()), ((int)written["requestPayload"]!["n"]!, (int)written["requestContext"]!["approximateInvokeCount"]!, told["requestContext"]!["requestId"]!.ToString()));
        Assert.Equal(1, functions.Log.Lines.Count(line => line == "Echo: attempt"));
    }

    [RequiresProgramFact("python3")]
    public async Task Refuses_other_host_names_and_browsers()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(Echo));

        Assert.Equal(HttpStatusCode.BadRequest, await StatusWith("Host", "attacker.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusWith("Origin", "https://attacker.example"));
        Assert.Equal(HttpStatusCode.OK, await StatusWith("Host", $"localhost:{functions.Host.Endpoint.Port}"));

        async Task<HttpStatusCode> StatusWith(string header, string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/2015-03-31/functions/Echo/invocations");
            request.Content = new StringContent("{}");
            request.Headers.TryAddWithoutValidation(header, value);
            using var response = await functions.Client.SendAsync(request);
            return response.StatusCode;
        }
    }

    [RequiresProgramFact("python3")]
    public async Task Gives_the_runtime_api_to_nobody_without_the_token()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(Echo));

        using var response = await functions.Client.GetAsync($"/{new string('0', 64)}/2018-06-01/runtime/invocation/next");

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    private static string Text(int jsonLength) => $"\"{new string('x', jsonLength - 2)}\"";
}
