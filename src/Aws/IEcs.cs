namespace UdpGateway.Aws;

/// <summary>The operations of Amazon ECS that fleets need, named after the API's own. What is gone already is no failure.</summary>
public interface IEcs
{
    /// <summary>Every call makes a new revision.</summary>
    /// <returns>ARN of the revision.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<string> RegisterTaskDefinitionAsync(TaskDefinitionInput definition, CancellationToken cancellationToken);

    /// <returns>ARNs of the active revisions, oldest first.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<string>> ListTaskDefinitionsAsync(string family, CancellationToken cancellationToken);

    /// <summary>What runs from it goes on running.</summary>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task DeregisterTaskDefinitionAsync(string taskDefinitionArn, CancellationToken cancellationToken);

    /// <returns>The service's ARN.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<string> CreateServiceAsync(EcsServiceInput service, CancellationToken cancellationToken);

    /// <exception cref="AwsServiceException">The call failed; <c>ServiceNotFoundException</c> or <c>ServiceNotActiveException</c> if there is none.</exception>
    Task UpdateServiceAsync(EcsServiceUpdate update, CancellationToken cancellationToken);

    /// <summary>Stops its tasks too.</summary>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task DeleteServiceAsync(string cluster, string service, CancellationToken cancellationToken);

    /// <returns>Null if there is no such service; one that was deleted is <c>INACTIVE</c> for a while.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<EcsServiceDescription?> DescribeServicesAsync(string cluster, string service, CancellationToken cancellationToken);

    /// <returns>ARNs of the service's tasks.</returns>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<string>> ListTasksAsync(string cluster, string service, EcsDesiredStatus desiredStatus, CancellationToken cancellationToken);

    /// <param name="taskArns">Any number; those that are gone are left out of the answer.</param>
    /// <exception cref="AwsServiceException">The call failed.</exception>
    Task<IReadOnlyList<EcsTaskDescription>> DescribeTasksAsync(string cluster, IReadOnlyList<string> taskArns, CancellationToken cancellationToken);
}

public enum EcsDesiredStatus
{
    Running,
    Stopped,
}

/// <summary>A Fargate task of one container.</summary>
/// <param name="Architecture"><c>X86_64</c> or <c>ARM64</c>.</param>
/// <param name="HealthCheckCommand">Run in the container, without a shell.</param>
public sealed record TaskDefinitionInput(
    string Family, string ContainerName, string Image, int Cpu, int Memory, string Architecture, string TaskRoleArn, string ExecutionRoleArn,
    string LogGroupName, string Region, TimeSpan StopTimeout, IReadOnlyList<string> HealthCheckCommand, IReadOnlyDictionary<string, string> Environment, IReadOnlyDictionary<string, string> Tags);

public sealed record EcsNetwork(IReadOnlyList<string> Subnets, IReadOnlyList<string> SecurityGroups, bool AssignPublicIp);

public sealed record EcsServiceInput(
    string Cluster, string Service, string TaskDefinitionArn, int DesiredCount, EcsNetwork Network, IReadOnlyDictionary<string, string> Tags);

/// <summary>What is null stays as it is.</summary>
public sealed record EcsServiceUpdate(string Cluster, string Service, string? TaskDefinitionArn = null, int? DesiredCount = null, EcsNetwork? Network = null);

/// <param name="Status"><c>ACTIVE</c>, <c>DRAINING</c> or <c>INACTIVE</c>.</param>
/// <param name="Deployments">The newest first; more than one while a change is rolled out.</param>
/// <param name="LastEvent">The service's newest message; null if there is none.</param>
public sealed record EcsServiceDescription(
    string Arn, string Status, string TaskDefinitionArn, int DesiredCount, int RunningCount, int PendingCount,
    IReadOnlyList<EcsDeployment> Deployments, string? LastEvent);

/// <param name="Status"><c>PRIMARY</c> for the one that is wanted.</param>
/// <param name="RolloutState"><c>IN_PROGRESS</c>, <c>COMPLETED</c> or <c>FAILED</c>.</param>
public sealed record EcsDeployment(string Status, string TaskDefinitionArn, string? RolloutState, string? RolloutStateReason);

/// <param name="Address">Of its network interface; null before it has one.</param>
/// <param name="StopCode">Such as <c>TaskFailedToStart</c>; null while it runs.</param>
/// <param name="StoppedReason">ECS's sentence, with the container's own if it has one; null while it runs.</param>
public sealed record EcsTaskDescription(string Arn, string TaskDefinitionArn, string LastStatus, string? Address, DateTimeOffset? StoppedAt, string? StopCode, string? StoppedReason)
{
    /// <summary>The last part of the ARN.</summary>
    public string Id => Arn[(Arn.LastIndexOf('/') + 1)..];
}
