using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>Amazon ECS on Fargate over HTTPS, JSON protocol.</summary>
/// <remarks>Source: Amazon ECS API Reference, version 2014-11-13.</remarks>
public sealed class EcsClient(AwsConnection connection) : IEcs
{
    private const int MaxTasksPerCall = 100;

    private static readonly AwsService Service = new("ECS", SigningName: "ecs", EndpointPrefix: "ecs");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);
    private static readonly string[] Fargate = ["FARGATE"];
    private static readonly string[] GoneCodes = ["ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"];

    private readonly IAwsTransport _transport = connection.Open(Service, AwsRetries.ThrottlingOnly, Timeout);

    public async Task<string> RegisterTaskDefinitionAsync(TaskDefinitionInput definition, CancellationToken cancellationToken)
    {
        using var answer = await CallAsync(new RegisterTaskDefinition(new
        {
            family = definition.Family,
            networkMode = "awsvpc",
            requiresCompatibilities = Fargate,
            cpu = AwsQuery.Number(definition.Cpu),
            memory = AwsQuery.Number(definition.Memory),
            runtimePlatform = new { cpuArchitecture = definition.Architecture, operatingSystemFamily = "LINUX" },
            taskRoleArn = definition.TaskRoleArn,
            executionRoleArn = definition.ExecutionRoleArn,
            containerDefinitions = new[]
            {
                new
                {
                    name = definition.ContainerName,
                    image = definition.Image,
                    essential = true,
                    stopTimeout = (int)definition.StopTimeout.TotalSeconds,
                    environment = definition.Environment.OrderBy(variable => variable.Key, StringComparer.Ordinal).Select(variable => new { name = variable.Key, value = variable.Value }),
                    healthCheck = new { command = definition.HealthCheckCommand.Prepend("CMD"), interval = 5, timeout = 5, retries = 3, startPeriod = 300 },
                    logConfiguration = new
                    {
                        logDriver = "awslogs",
                        options = new Dictionary<string, string>
                        {
                            ["awslogs-group"] = definition.LogGroupName,
                            ["awslogs-region"] = definition.Region,
                            ["awslogs-stream-prefix"] = definition.Family,
                        },
                    },
                },
            },
            tags = Tags(definition.Tags),
        }), cancellationToken);
        return RequiredArn(answer, "taskDefinition", "taskDefinitionArn");
    }

    public Task<IReadOnlyList<string>> ListTaskDefinitionsAsync(string family, CancellationToken cancellationToken) =>
        PagesAsync(token => new ListTaskDefinitions(new { familyPrefix = family, status = "ACTIVE", nextToken = token }), "taskDefinitionArns", cancellationToken);

    public async Task DeregisterTaskDefinitionAsync(string taskDefinitionArn, CancellationToken cancellationToken)
    {
        using var answer = await CallAsync(new DeregisterTaskDefinition(new { taskDefinition = taskDefinitionArn }), cancellationToken);
    }

    public async Task<string> CreateServiceAsync(EcsServiceInput service, CancellationToken cancellationToken)
    {
        using var answer = await CallAsync(new CreateService(new
        {
            cluster = service.Cluster,
            serviceName = service.Service,
            taskDefinition = service.TaskDefinitionArn,
            desiredCount = service.DesiredCount,
            launchType = "FARGATE",
            platformVersion = "LATEST",
            networkConfiguration = Network(service.Network),
            // New tasks first; what does not become healthy is taken back.
            deploymentConfiguration = new { minimumHealthyPercent = 100, maximumPercent = 200, deploymentCircuitBreaker = new { enable = true, rollback = true } },
            propagateTags = "SERVICE",
            tags = Tags(service.Tags),
        }), cancellationToken);
        return RequiredArn(answer, "service", "serviceArn");
    }

    public async Task UpdateServiceAsync(EcsServiceUpdate update, CancellationToken cancellationToken)
    {
        using var answer = await CallAsync(new UpdateService(new
        {
            cluster = update.Cluster,
            service = update.Service,
            taskDefinition = update.TaskDefinitionArn,
            desiredCount = update.DesiredCount,
            networkConfiguration = update.Network is { } network ? Network(network) : null,
        }), cancellationToken);
    }

    public async Task DeleteServiceAsync(string cluster, string service, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await CallAsync(new DeleteService(new { cluster, service, force = true }), cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is { } code && GoneCodes.Contains(code))
        {
            // What was asked for.
        }
    }

    public async Task<EcsServiceDescription?> DescribeServicesAsync(string cluster, string service, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await CallAsync(new DescribeServices(new { cluster, services = new[] { service } }), cancellationToken);
            return AwsJson.Items(answer.RootElement, "services").Select(Describe).FirstOrDefault();
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is { } code && GoneCodes.Contains(code))
        {
            return null;
        }
    }

    public async Task<IReadOnlyList<string>> ListTasksAsync(string cluster, string service, EcsDesiredStatus desiredStatus, CancellationToken cancellationToken)
    {
        var status = desiredStatus is EcsDesiredStatus.Running ? "RUNNING" : "STOPPED";
        try
        {
            return await PagesAsync(token => new ListTasks(new { cluster, serviceName = service, desiredStatus = status, nextToken = token }), "taskArns", cancellationToken);
        }
        catch (AwsServiceException failure) when (failure.ErrorCode is { } code && GoneCodes.Contains(code))
        {
            return [];
        }
    }

    public async Task<IReadOnlyList<EcsTaskDescription>> DescribeTasksAsync(string cluster, IReadOnlyList<string> taskArns, CancellationToken cancellationToken)
    {
        var tasks = new List<EcsTaskDescription>();
        foreach (var chunk in taskArns.Chunk(MaxTasksPerCall))
        {
            using var answer = await CallAsync(new DescribeTasks(new { cluster, tasks = chunk }), cancellationToken);
            tasks.AddRange(AwsJson.Items(answer.RootElement, "tasks").Select(DescribeTask));
        }

        return tasks;
    }

    private static EcsServiceDescription Describe(JsonElement service) => new(
        AwsJson.Text(service, "serviceArn") ?? "",
        AwsJson.Text(service, "status") ?? "",
        AwsJson.Text(service, "taskDefinition") ?? "",
        Count(service, "desiredCount"),
        Count(service, "runningCount"),
        Count(service, "pendingCount"),
        [.. AwsJson.Items(service, "deployments").Select(deployment => new EcsDeployment(
            AwsJson.Text(deployment, "status") ?? "",
            AwsJson.Text(deployment, "taskDefinition") ?? "",
            AwsJson.Text(deployment, "rolloutState"),
            AwsJson.Text(deployment, "rolloutStateReason")))],
        AwsJson.Items(service, "events").Select(entry => AwsJson.Text(entry, "message")).FirstOrDefault());

    private static EcsTaskDescription DescribeTask(JsonElement task)
    {
        var reasons = AwsJson.Items(task, "containers").Select(container => AwsJson.Text(container, "reason")).Prepend(AwsJson.Text(task, "stoppedReason"));
        var stoppedAt = task.TryGetProperty("stoppedAt", out var time) && time.ValueKind is JsonValueKind.Number && time.TryGetDouble(out var seconds) ? DateTimeOffset.UnixEpoch.AddSeconds(seconds) : (DateTimeOffset?)null;
        return new EcsTaskDescription(
            AwsJson.Text(task, "taskArn") ?? "",
            AwsJson.Text(task, "taskDefinitionArn") ?? "",
            AwsJson.Text(task, "lastStatus") ?? "",
            AwsJson.Items(task, "attachments").SelectMany(attachment => AwsJson.Items(attachment, "details").AsEnumerable())
                .Where(detail => AwsJson.Text(detail, "name") == "privateIPv4Address").Select(detail => AwsJson.Text(detail, "value")).FirstOrDefault(),
            stoppedAt,
            AwsJson.Text(task, "stopCode"),
            string.Join(": ", reasons.OfType<string>().Where(reason => reason.Length > 0).Distinct()) is { Length: > 0 } reason ? reason : null);
    }

    private static int Count(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number ? value.GetInt32() : 0;

    private static object Network(EcsNetwork network) => new
    {
        awsvpcConfiguration = new { subnets = network.Subnets, securityGroups = network.SecurityGroups, assignPublicIp = network.AssignPublicIp ? "ENABLED" : "DISABLED" },
    };

    private static object Tags(IReadOnlyDictionary<string, string> tags) => tags.Select(tag => new { key = tag.Key, value = tag.Value });

    private static string RequiredArn(JsonDocument answer, string structure, string name) =>
        answer.RootElement.TryGetProperty(structure, out var element) && AwsJson.Text(element, name) is { } arn
            ? arn
            : throw AwsServiceException.FromAnswer($"ECS ({structure})", System.Net.HttpStatusCode.OK, null, isThrottlingCode: false, $"no {name}", null, null);

    private async Task<IReadOnlyList<string>> PagesAsync(Func<string?, Request> ask, string list, CancellationToken cancellationToken)
    {
        var all = new List<string>();
        string? token = null;
        do
        {
            using var answer = await CallAsync(ask(token), cancellationToken);
            all.AddRange(AwsJson.Items(answer.RootElement, list).Select(item => item.GetString() ?? ""));
            token = AwsJson.Text(answer.RootElement, "nextToken");
        }
        while (!string.IsNullOrEmpty(token));
        return all;
    }

    private async Task<JsonDocument> CallAsync(Request request, CancellationToken cancellationToken) =>
        AwsJson.Parse(await _transport.SendAsync(request, cancellationToken), $"ECS {request.GetType().Name}");

    private abstract class Request : AwsRequest
    {
        protected Request(object input)
        {
            Headers = AwsJson.Headers($"AmazonEC2ContainerServiceV20141113.{GetType().Name}", "1.1");
            Body = JsonSerializer.SerializeToUtf8Bytes(input, AwsJson.Relaxed);
        }
    }

    private sealed class RegisterTaskDefinition(object input) : Request(input);

    private sealed class ListTaskDefinitions(object input) : Request(input);

    private sealed class DeregisterTaskDefinition(object input) : Request(input);

    private sealed class CreateService(object input) : Request(input);

    private sealed class UpdateService(object input) : Request(input);

    private sealed class DeleteService(object input) : Request(input);

    private sealed class DescribeServices(object input) : Request(input);

    private sealed class ListTasks(object input) : Request(input);

    private sealed class DescribeTasks(object input) : Request(input);
}
