using System.Text.Json.Nodes;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.LocalStack;

/// <summary>Hands an event to the provider, as CloudFormation does by invoking its function.</summary>
internal delegate Task CustomResourceProvider(ReadOnlyMemory<byte> cloudFormationEvent, DateTimeOffset deadline, CancellationToken cancellationToken);

/// <summary>
/// CloudFormation's side of the custom resources, in the order that CloudFormation keeps: create and update by dependency,
/// then delete what was replaced or removed; a failure is rolled back before it is reported. The state is saved after every answer,
/// so that a killed process leaves nothing unknown behind.
/// </summary>
internal sealed class Stack(StateDirectory directory, StackState state, CustomResourceProvider provider, ResponseEndpoint responses, Action<string> say)
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(60);

    private readonly List<Func<CancellationToken, Task>> _rollback = [];

    /// <summary>The name that clients use now. It is no property, and yet a listener's attributes hold what it was when the last event was sent.</summary>
    public string? CurrentDomain { get; init; }

    /// <summary>Makes the stack what the template says, and gives the template the attributes of what now exists.</summary>
    /// <exception cref="UserErrorException">A resource failed; what this call had done is rolled back.</exception>
    public async Task ApplyAsync(Template template, ProblemList problems, CancellationToken cancellationToken)
    {
        _rollback.Clear();
        var declared = template.Resources.Where(resource => resource.IsUdpGatewayResource).ToList();
        foreach (var resource in declared)
        {
            var evaluated = template.EvaluateProperties(resource);
            if (problems.Problems.Count > 0)
            {
                await RollBackAsync();
                problems.ThrowIfAny();
            }

            var properties = (JsonObject)CloudFormationJson.ToResourceProperties(evaluated)!;
            var served = await ApplyAsync(resource, properties, cancellationToken);
            template.Evaluator.SetServed(resource.LogicalId, served.ToServed(resource.Location));
        }

        await CleanUpAsync(declared.Select(resource => resource.LogicalId).ToHashSet(), cancellationToken);
    }

    /// <summary>Deletes every resource, the last created first.</summary>
    /// <exception cref="UserErrorException">One could not be deleted; it stays in the state.</exception>
    public Task DeleteAsync(CancellationToken cancellationToken) => CleanUpAsync([], cancellationToken);

    private async Task<StackResource> ApplyAsync(TemplateResource resource, JsonObject properties, CancellationToken cancellationToken)
    {
        var current = state.Resources.Find(candidate => candidate.LogicalId == resource.LogicalId);
        if (current is null)
            return await CreateAsync(resource, properties, cancellationToken);
        if (current.Type != resource.Type)
            throw await FailedAsync(resource, $"The type of a custom resource cannot change (it is {current.Type}); give the resource another logical id.");
        return JsonNode.DeepEquals(current.Properties, properties) && !IsElsewhere(current) ? current : await UpdateAsync(resource, current, properties, cancellationToken);
    }

    private async Task<StackResource> CreateAsync(TemplateResource resource, JsonObject properties, CancellationToken cancellationToken)
    {
        say($"{resource.LogicalId}: creating {resource.Type}");
        var answer = await SendAsync("Create", resource.LogicalId, resource.Type, null, properties, null, cancellationToken);
        // Without a usable answer CloudFormation's Delete carries an id that the provider never chose.
        var physicalId = answer.PhysicalResourceId ?? $"{state.StackName}-{resource.LogicalId}-{Guid.NewGuid().ToString("N")[..12].ToUpperInvariant()}";
        _rollback.Add(token => DeleteAsync(resource.LogicalId, resource.Type, physicalId, properties, token));
        if (!answer.Succeeded)
            throw await FailedAsync(resource, answer.Reason!);

        var created = new StackResource { LogicalId = resource.LogicalId, Type = resource.Type, PhysicalResourceId = physicalId, Properties = properties, Data = answer.Data };
        state.Resources.Add(created);
        directory.Save(state);
        return created;
    }

    private async Task<StackResource> UpdateAsync(TemplateResource resource, StackResource current, JsonObject properties, CancellationToken cancellationToken)
    {
        say($"{resource.LogicalId}: updating {string.Join(", ", IsElsewhere(current) ? Changed(current.Properties, properties).Append("Domain") : Changed(current.Properties, properties))}");
        var answer = await SendAsync("Update", current.LogicalId, current.Type, current.PhysicalResourceId, properties, current.Properties, cancellationToken);
        _rollback.Add(token => RevertAsync(current, properties, answer.PhysicalResourceId, token));
        if (!answer.Succeeded)
            throw await FailedAsync(resource, answer.Reason!);

        var updated = current with { PhysicalResourceId = answer.PhysicalResourceId!, Properties = properties, Data = answer.Data };
        Put(updated);
        if (updated.PhysicalResourceId != current.PhysicalResourceId)
            state.Replaced.Add(new ReplacedResource(current.LogicalId, current.Type, current.PhysicalResourceId, current.Properties));
        directory.Save(state);
        return updated;
    }

    /// <summary>The cleanup phase: what was replaced, then what the template no longer has.</summary>
    private async Task CleanUpAsync(HashSet<string> declared, CancellationToken cancellationToken)
    {
        foreach (var replaced in state.Replaced.ToList())
        {
            await DeleteAsync(replaced.LogicalId, replaced.Type, replaced.PhysicalResourceId, replaced.Properties, cancellationToken);
            state.Replaced.Remove(replaced);
            directory.Save(state);
        }

        foreach (var removed in Enumerable.Reverse(state.Resources).Where(resource => !declared.Contains(resource.LogicalId)).ToList())
        {
            say($"{removed.LogicalId}: deleting {removed.PhysicalResourceId}");
            await DeleteAsync(removed.LogicalId, removed.Type, removed.PhysicalResourceId, removed.Properties, cancellationToken);
            state.Ports.Remove(removed.LogicalId);
            directory.Save(state);
        }
    }

    private async Task DeleteAsync(string logicalId, string type, string physicalId, JsonObject properties, CancellationToken cancellationToken)
    {
        var answer = await SendAsync("Delete", logicalId, type, physicalId, properties, null, cancellationToken);
        if (!answer.Succeeded)
            throw new UserErrorException($"{logicalId}: {physicalId} could not be deleted: {answer.Reason}");
        state.Resources.RemoveAll(resource => resource.LogicalId == logicalId && resource.PhysicalResourceId == physicalId);
        directory.Save(state);
    }

    /// <summary>CloudFormation's rollback of an update: the same in the other direction, and no trace of what it had made.</summary>
    private async Task RevertAsync(StackResource before, JsonObject attempted, string? attemptedId, CancellationToken cancellationToken)
    {
        var answer = await SendAsync("Update", before.LogicalId, before.Type, before.PhysicalResourceId, before.Properties, attempted, cancellationToken);
        if (!answer.Succeeded)
            throw new UserErrorException($"{before.LogicalId}: the former state could not be restored: {answer.Reason}");
        if (attemptedId is not null && attemptedId != before.PhysicalResourceId && attemptedId != answer.PhysicalResourceId)
            await SendAsync("Delete", before.LogicalId, before.Type, attemptedId, attempted, null, cancellationToken);
        Put(before with { PhysicalResourceId = answer.PhysicalResourceId!, Data = answer.Data });
        state.Replaced.RemoveAll(replaced => replaced.LogicalId == before.LogicalId && replaced.PhysicalResourceId == answer.PhysicalResourceId);
        directory.Save(state);
    }

    private async Task<UserErrorException> FailedAsync(TemplateResource resource, string reason)
    {
        var lines = new List<string> { $"{resource.Location}: Resources.{resource.LogicalId}: {reason}" };
        try
        {
            await RollBackAsync();
        }
        catch (UserErrorException exception)
        {
            lines.AddRange(exception.Lines);
        }

        return new UserErrorException(lines);
    }

    /// <summary>Even when the user is stopping the program: half a rollback would be worse than a slow stop.</summary>
    private async Task RollBackAsync()
    {
        foreach (var undo in Enumerable.Reverse(_rollback))
            await undo(CancellationToken.None);
        _rollback.Clear();
    }

    private async Task<CustomResourceAnswer> SendAsync(
        string requestType, string logicalId, string type, string? physicalId, JsonObject properties, JsonObject? oldProperties, CancellationToken cancellationToken)
    {
        var requestId = Guid.NewGuid().ToString();
        var (url, body) = responses.Expect();
        var request = CustomResourceEvents.Build(requestType, requestId, url, state.StackId, logicalId, type, physicalId, properties, oldProperties);
        await provider(request, DateTimeOffset.UtcNow + RequestTimeout, cancellationToken);
        return body.IsCompleted
            ? CustomResourceAnswer.Read(await body, state.StackId, requestId, logicalId)
            : CustomResourceAnswer.Unusable("The provider gave no answer.");
    }

    private bool IsElsewhere(StackResource listener) =>
        CurrentDomain is not null && listener.Data.TryGetPropertyValue("Domain", out var domain) && domain?.ToString() != CurrentDomain;

    private void Put(StackResource resource)
    {
        var index = state.Resources.FindIndex(candidate => candidate.LogicalId == resource.LogicalId);
        if (index < 0)
            state.Resources.Add(resource);
        else
            state.Resources[index] = resource;
    }

    private static IEnumerable<string> Changed(JsonObject before, JsonObject after) =>
        before.Select(property => property.Key).Union(after.Select(property => property.Key)).Where(name => !JsonNode.DeepEquals(before[name], after[name]));
}
