using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Provider.Tests.TestDoubles;
using static UdpGateway.Provider.Tests.ListenerLifecycleTests;
using static UdpGateway.Provider.Tests.TestDoubles.ProviderUnderTest;

namespace UdpGateway.Provider.Tests;

/// <summary>Whatever happens, CloudFormation gets one valid answer before the deadline.</summary>
public sealed class AnswerGuaranteeTests
{
    [Fact]
    public async Task All_problems_of_the_properties_are_in_the_reason()
    {
        await using var provider = await StartAsync();
        var properties = With(UdpProperties(), "Port", "none");
        properties["Destinations"]![0]!["Arguments"]!["UseResponseStreaming"] = "true";
        properties["Destinations"]![0]!["Arguments"]!["UseAsyncInvoke"] = "true";
        properties["Foo"] = "Bar";

        var answer = await provider.FailAsync(provider.Create(properties));

        Assert.Contains("Port must be a number; \"none\" was given.", answer.Reason, StringComparison.Ordinal);
        Assert.Contains("Destinations[0].Arguments.UseResponseStreaming cannot be combined with UseAsyncInvoke", answer.Reason, StringComparison.Ordinal);
        Assert.Contains("Foo is not a property", answer.Reason, StringComparison.Ordinal);
        Assert.Empty(provider.Provisioner.Calls);
    }

    [Fact]
    public async Task A_failed_create_leaves_nothing_and_its_delete_succeeds()
    {
        await using var provider = await StartAsync();
        provider.Provisioner.Serve = (_, _) => throw new ProvisioningException("UDP port 40001 is in use.");

        var failed = await provider.FailAsync(provider.Create(WireGuardProperties()));
        var leftIds = await provider.IdsAsync();
        await provider.SucceedAsync(provider.Delete(failed.PhysicalResourceId));

        Assert.Equal("UDP port 40001 is in use.", failed.Reason);
        Assert.Empty(leftIds);
        Assert.Empty(provider.SecretFiles);
        Assert.Equal(["allocate echo", "serve echo", "release echo"], provider.Provisioner.Calls);
    }

    [Fact]
    public async Task A_create_without_a_port_leaves_nothing()
    {
        await using var provider = await StartAsync();
        provider.Provisioner.Allocate = _ => throw new ProvisioningException("Every port of the range is taken.");

        var failed = await provider.FailAsync(provider.Create(WireGuardProperties()));

        Assert.Equal("Every port of the range is taken.", failed.Reason);
        Assert.Empty(await provider.IdsAsync());
        Assert.Empty(provider.SecretFiles);
    }

    [Fact]
    public async Task A_failed_replacement_keeps_the_old_id_and_generation()
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        provider.Provisioner.Serve = (record, _) => record.PhysicalResourceId == "echo" ? Task.CompletedTask : throw new ProvisioningException("No.");

        var failed = await provider.FailAsync(provider.Update("echo", With(UdpProperties(), "Port", "5353")));
        var rolledBack = await provider.SucceedAsync(provider.Update("echo", UdpProperties()));

        Assert.Equal("echo", failed.PhysicalResourceId);
        Assert.Equal("echo", rolledBack.PhysicalResourceId);
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Fact]
    public async Task An_unexpected_fault_is_answered_without_its_message()
    {
        await using var provider = await StartAsync();
        provider.Provisioner.Serve = (_, _) => throw new InvalidDataException("inner detail");

        var failed = await provider.FailAsync(provider.Create(UdpProperties()));

        Assert.Contains("InvalidDataException", failed.Reason, StringComparison.Ordinal);
        Assert.Contains("request-1", failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("inner detail", failed.Reason, StringComparison.Ordinal);
        Assert.Contains(provider.Log.Lines, line => line.Contains("inner detail", StringComparison.Ordinal));
        Assert.Empty(await provider.IdsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hanging_resource_is_answered_before_the_deadline(bool blocksItsThread)
    {
        await using var provider = await StartAsync();
        using var end = new ManualResetEventSlim();
        provider.Provisioner.Serve = (_, _) =>
        {
            if (blocksItsThread)
                end.Wait(CancellationToken.None);
            return blocksItsThread ? Task.CompletedTask : Task.Delay(Timeout.Infinite, CancellationToken.None);
        };
        var limit = TimeSpan.FromSeconds(20); // the guard grows with it, and a busy machine needs one
        var deadline = DateTimeOffset.UtcNow + limit;

        var failed = await provider.FailAsync(provider.Create(WireGuardProperties()), limit);

        Assert.True(DateTimeOffset.UtcNow < deadline);
        Assert.Contains("not finished in the time", failed.Reason, StringComparison.Ordinal);
        Assert.Empty(await provider.IdsAsync());
        end.Set();
    }

    [Fact]
    public async Task A_deadline_that_has_passed_still_gets_an_answer()
    {
        await using var provider = await StartAsync();

        await provider.FailAsync(provider.Create(UdpProperties()), TimeSpan.FromSeconds(-5));

        Assert.Empty(await provider.IdsAsync());
    }

    [Fact]
    public async Task Stopping_the_provider_answers_what_is_under_way()
    {
        await using var provider = await StartAsync();
        using var stop = new CancellationTokenSource();
        provider.Provisioner.Serve = (_, cancellationToken) =>
        {
            stop.Cancel();
            return Task.Delay(Timeout.Infinite, cancellationToken);
        };

        await provider.HandleAsync(provider.Create(UdpProperties()), cancellationToken: stop.Token);

        Assert.Contains("stopped", new Answer(Assert.Single(provider.Endpoint.Taken).Body).Reason, StringComparison.Ordinal);
        Assert.Empty(await provider.IdsAsync());
    }

    [Theory]
    [InlineData(StatusCodes.Status503ServiceUnavailable)]
    [InlineData(StatusCodes.Status403Forbidden)]
    [InlineData(StatusCodes.Status307TemporaryRedirect)]
    public async Task A_put_that_fails_twice_is_repeated(int status)
    {
        await using var provider = await StartAsync();
        provider.Endpoint.RefusalStatus = status;
        provider.Endpoint.Refusals = 2;

        await provider.SucceedAsync(provider.Create(UdpProperties()));

        Assert.Equal(2, provider.Endpoint.Refused);
        Assert.Equal("answer", Assert.Single(provider.Endpoint.Taken).Path);
    }

    [Fact]
    public async Task A_slow_endpoint_gets_one_answer()
    {
        await using var provider = await StartAsync();
        provider.Endpoint.Delay = TimeSpan.FromMilliseconds(700);

        await provider.SucceedAsync(provider.Create(UdpProperties()));

        Assert.Single(provider.Endpoint.Taken);
    }

    [Fact]
    public async Task An_answer_that_nobody_takes_is_reported_to_the_caller()
    {
        await using var provider = await StartAsync();
        provider.Endpoint.Refusals = int.MaxValue;

        await Assert.ThrowsAsync<ResponseUndeliveredException>(() => provider.HandleAsync(provider.Create(UdpProperties()), TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task A_long_reason_is_cut_to_a_valid_failure()
    {
        await using var provider = await StartAsync();
        provider.Provisioner.Serve = (_, _) => throw new ProvisioningException(string.Concat(Enumerable.Repeat("\"ü😀\u0001", 2000)));

        var failed = await provider.FailAsync(provider.Create(UdpProperties()));

        Assert.InRange(failed.Body.Length, 4000, 4096);
        Assert.EndsWith("(cut; the provider's log has all)", failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(failed.Body));
    }

    [Fact]
    public async Task Data_that_is_too_long_becomes_a_failure_that_leaves_nothing()
    {
        await using var provider = await StartAsync(Local with { DomainName = new string('d', 1500) });

        var failed = await provider.FailAsync(provider.Create(WireGuardProperties()));

        Assert.Contains("4,096 bytes", failed.Reason, StringComparison.Ordinal);
        Assert.Empty(await provider.IdsAsync());
        Assert.Empty(provider.SecretFiles);
    }

    [Fact]
    public async Task The_longest_allowed_names_fit_the_answer()
    {
        await using var provider = await StartAsync(Local with { DomainName = new string('d', 253) });
        var properties = With(WireGuardProperties(), "Name", new string('n', 128));
        var destination = properties["Destinations"]![0]!;
        properties["Destinations"] = new JsonArray([.. Enumerable.Range(0, 15).Select(index =>
        {
            var copy = destination.DeepClone();
            copy["Name"] = $"{new string('d', 126)}{index:00}";
            return copy;
        })]);
        var create = provider.Create(properties);
        create["LogicalResourceId"] = new string('L', 255);
        create["StackId"] = $"arn:aws:cloudformation:us-gov-west-1:123456789012:stack/{new string('s', 128)}/5b1c2f50-0000-1111-2222-333344445555";
        create["RequestId"] = Guid.Empty.ToString();

        await provider.SucceedAsync(create);
    }

    [Theory]
    [InlineData('i', 1024, true)]
    [InlineData('"', 1024, true)]
    [InlineData('i', 1025, false)]
    [InlineData('ü', 513, false)]
    [InlineData('\u0001', 1024, false)]
    [InlineData('i', 5000, false)]
    public async Task An_id_that_no_answer_may_have_is_not_repeated(char character, int length, bool isRepeated)
    {
        await using var provider = await StartAsync();
        await provider.SucceedAsync(provider.Create(UdpProperties()));
        var id = new string(character, length);

        var deleted = await provider.SucceedAsync(provider.Delete(id));
        var failed = await provider.FailAsync(provider.Update(id, With(UdpProperties(), "Port", "none")));

        Assert.Equal(isRepeated ? [id, id] : [$"failed-{deleted.Text("RequestId")}", $"failed-{failed.Text("RequestId")}"], [deleted.PhysicalResourceId, failed.PhysicalResourceId]);
        Assert.Equal("Port must be a number; \"none\" was given.", failed.Reason);
        Assert.Equal(["echo"], await provider.IdsAsync());
    }

    [Theory]
    [InlineData("StackId")]
    [InlineData("RequestId")]
    [InlineData("LogicalResourceId")]
    public async Task An_event_whose_answer_would_be_too_long_whatever_it_says_is_not_CloudFormations(string field)
    {
        await using var provider = await StartAsync();
        var delete = provider.Delete("echo");
        delete[field] = new string('x', 4000);

        await provider.HandleAsync(delete);

        Assert.Empty(provider.Endpoint.Taken);
        Assert.Contains(provider.Log.Lines, line => line.Contains("nobody to answer", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ResourceType", "Custom::Other", "not one of this provider's")]
    [InlineData("ResourceType", "Custom::UdpGatewayFleet", "Custom::UdpGatewayFleet belongs to AWS")]
    [InlineData("RequestType", "Upsert", "RequestType must be Create, Update or Delete")]
    [InlineData("RequestType", "Create,Delete", "RequestType must be Create, Update or Delete")]
    [InlineData("RequestType", "1", "RequestType must be Create, Update or Delete")]
    [InlineData("ResourceProperties", "text", "ResourceProperties must be an object")]
    public async Task An_event_that_cannot_be_handled_is_answered(string field, string value, string part)
    {
        await using var provider = await StartAsync();
        var create = provider.Create(UdpProperties());
        create[field] = value;

        var failed = await provider.FailAsync(create);

        Assert.Contains(part, failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("..", failed.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Custom::Other")]
    [InlineData("Custom::UdpGatewayFleet")]
    public async Task Delete_of_an_unknown_type_succeeds(string type)
    {
        await using var provider = await StartAsync();
        var delete = provider.Delete("anything");
        delete["ResourceType"] = type;

        await provider.SucceedAsync(delete);
    }

    [Fact]
    public async Task An_event_with_nothing_but_an_address_is_answered()
    {
        await using var provider = await StartAsync();

        await provider.FailAsync(new JsonObject { ["ResponseURL"] = provider.Endpoint.Url() });
    }

    [Theory]
    [InlineData(60)]
    [InlineData(10_000)]
    public async Task An_event_is_answered_however_deep_its_properties_nest(int depth)
    {
        await using var provider = await StartAsync();
        var create = provider.Create(With(UdpProperties(), "Description", "DEEP")).ToJsonString().Replace("\"DEEP\"", new string('[', depth) + new string(']', depth), StringComparison.Ordinal);

        await provider.Handler.HandleAsync(Encoding.UTF8.GetBytes(create), DateTimeOffset.UtcNow.AddSeconds(20), default);

        Assert.Equal("Description must be a string; a list was given.", new Answer(Assert.Single(provider.Endpoint.Taken).Body).Reason);
    }

    [Fact]
    public async Task What_nests_deep_and_has_no_effect_does_not_keep_the_work_from_going_on_in_another_invocation()
    {
        await using var provider = await StartAsync();
        var nested = new string('[', 2_000) + new string(']', 2_000);
        var create = provider.Create(With(UdpProperties(), "Foo", "DEEP")).ToJsonString().Replace("\"DEEP\"", nested, StringComparison.Ordinal);
        provider.Provisioner.Serve = (_, token) => Task.Delay(Timeout.Infinite, token);
        ReadOnlyMemory<byte> next = default;
        await provider.Handler.HandleAsync(
            Encoding.UTF8.GetBytes(create),
            DateTimeOffset.UtcNow.AddSeconds(5),
            (payload, _) =>
            {
                next = payload.ToArray();
                return Task.CompletedTask;
            },
            default);
        provider.Provisioner.Serve = (_, _) => Task.CompletedTask;

        await provider.Handler.HandleAsync(next, DateTimeOffset.UtcNow.AddSeconds(20), default);

        Assert.True(new Answer(Assert.Single(provider.Endpoint.Taken).Body).Succeeded);
    }

    [Theory]
    [InlineData("\"ResourceProperties\":{\"\\ud800 longer than any name\":1,", null)]
    [InlineData("\"\\ud800 longer than any name of an event\":1,\"ResourceProperties\":{", null)]
    [InlineData("\"ResourceProperties\":{\"Fleet\":\"\\ud800\",", "Fleet is no Unicode text (half a surrogate pair, or broken UTF-8).")]
    public async Task An_event_is_answered_whatever_is_no_text_in_it(string start, string? reason)
    {
        await using var provider = await StartAsync();
        var create = provider.Create(UdpProperties()).ToJsonString().Replace("\"ResourceProperties\":{", start, StringComparison.Ordinal);

        await provider.Handler.HandleAsync(Encoding.UTF8.GetBytes(create), DateTimeOffset.UtcNow.AddSeconds(20), default);

        Assert.Equal(reason, new Answer(Assert.Single(provider.Endpoint.Taken).Body).Reason);
    }

    [Fact]
    public async Task What_takes_its_time_to_be_taken_back_has_it_while_there_is_some()
    {
        await using var provider = await StartAsync();
        provider.Provisioner.Serve = (_, _) => throw new ProvisioningException("No.");
        provider.Provisioner.Release = token => Task.Delay(TimeSpan.FromSeconds(3), token);

        await provider.FailAsync(provider.Create(WireGuardProperties()), TimeSpan.FromSeconds(30));

        Assert.Empty(await provider.IdsAsync());
        Assert.Empty(provider.SecretFiles);
    }

    [Fact]
    public async Task A_service_that_fails_for_a_moment_is_asked_again()
    {
        await using var provider = await StartAsync();
        var secrets = new FailingSecrets(provider.Store, AwsServiceException.FromAnswer("Secrets Manager", HttpStatusCode.InternalServerError, "InternalServiceError", isThrottlingCode: false, "as the test wants", null, null), failures: 2);

        await provider.NewHandler(provider.Store, secrets).HandleAsync(EventOf(provider), DateTimeOffset.UtcNow.AddSeconds(30), default);

        Assert.True(new Answer(Assert.Single(provider.Endpoint.Taken).Body).Succeeded);
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError, "InternalServiceError", "The listener was not served in the time that the request has. Secrets Manager answered HTTP 500, InternalServiceError: as the test wants.")]
    [InlineData(HttpStatusCode.BadRequest, "LimitExceededException", "Secrets Manager answered HTTP 400, LimitExceededException: as the test wants.")]
    public async Task What_a_service_says_is_in_the_reason(HttpStatusCode status, string code, string reason)
    {
        await using var provider = await StartAsync();
        var secrets = new FailingSecrets(provider.Store, AwsServiceException.FromAnswer("Secrets Manager", status, code, isThrottlingCode: false, "as the test wants", null, null), failures: int.MaxValue);

        await provider.NewHandler(provider.Store, secrets).HandleAsync(EventOf(provider), DateTimeOffset.UtcNow.AddSeconds(7), default);

        Assert.Equal(reason, new Answer(Assert.Single(provider.Endpoint.Taken).Body).Reason);
        Assert.Empty(await provider.IdsAsync());
    }

    private static byte[] EventOf(ProviderUnderTest provider) => Encoding.UTF8.GetBytes(provider.Create(WireGuardProperties()).ToJsonString());

    private sealed class FailingSecrets(ISecretStore store, AwsServiceException failure, int failures) : ISecretStore
    {
        private int _calls;

        public Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken) => store.ReadAsync(reference, cancellationToken);

        public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) =>
            Interlocked.Increment(ref _calls) <= failures ? Task.FromException(failure) : store.WriteAsync(secretId, value, cancellationToken);

        public Task DeleteAsync(string secretId, CancellationToken cancellationToken) => store.DeleteAsync(secretId, cancellationToken);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no json")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"Records\":[]}")]
    [InlineData("{\"Records\":[{\"Sns\":{\"Message\":\"no json\"}}]}")]
    [InlineData("{\"ResponseURL\":7}")]
    public async Task What_is_no_event_is_logged_and_dropped(string text)
    {
        await using var provider = await StartAsync();

        await provider.Handler.HandleAsync(Encoding.UTF8.GetBytes(text), DateTimeOffset.UtcNow.AddSeconds(5), default);

        Assert.Empty(provider.Endpoint.Taken);
        Assert.Single(provider.Log.Lines);
    }

    [Fact]
    public async Task A_wrong_api_key_is_refused_on_create_and_update_but_not_on_delete()
    {
        await using var provider = await StartAsync(Local with { ApiKey = "api key" });
        await provider.SucceedAsync(provider.Create(UdpProperties()));

        var failed = await provider.FailAsync(provider.Update("echo", With(UdpProperties(), "ApiKey", "wrong key")));
        await provider.SucceedAsync(provider.Event("Delete", With(UdpProperties(), "ApiKey", "wrong key"), "echo"));

        Assert.StartsWith("ApiKey is not the key", failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong key", failed.Reason, StringComparison.Ordinal);
        Assert.Empty(await provider.IdsAsync());
    }

    [Fact]
    public async Task A_store_that_fails_is_answered()
    {
        await using var provider = await StartAsync();
        // The directory vanishes under the store, as a full or broken disk would do.
        Directory.Delete(provider.DirectoryPath, recursive: true);

        var failed = await provider.FailAsync(provider.Create(UdpProperties()));
        Directory.CreateDirectory(provider.DirectoryPath);

        Assert.Contains("DirectoryNotFoundException", failed.Reason, StringComparison.Ordinal);
    }
}
