namespace UdpGateway.Listeners.Storage;

/// <summary>
/// What the control plane and the gateway tasks of a fleet keep beside the listeners: who has which port, and what each task serves.
/// None of it changes the revision.
/// </summary>
public interface IFleetStore
{
    /// <summary>Claims a port of the fleet. True also when the claimant has it already; false when another one has it.</summary>
    /// <param name="physicalResourceId">The listener generation that the port is for.</param>
    Task<bool> TryClaimPortAsync(string fleetName, int port, string physicalResourceId, CancellationToken cancellationToken);

    /// <summary>Gives a port back. Nothing happens when the claimant does not have it.</summary>
    Task ReleasePortAsync(string fleetName, int port, string physicalResourceId, CancellationToken cancellationToken);

    /// <summary>The claimed ports of the fleet, each with its claimant. By the time of a claim it may be out of date.</summary>
    Task<IReadOnlyDictionary<int, string>> ReadPortClaimsAsync(string fleetName, CancellationToken cancellationToken);

    /// <summary>Replaces the task's report; it is its heartbeat too.</summary>
    Task WriteReportAsync(GatewayTaskReport report, CancellationToken cancellationToken);

    /// <summary>The newest report of every task that has not removed its own, also of tasks that were killed: see <see cref="GatewayTaskReport.Age"/>.</summary>
    Task<IReadOnlyList<GatewayTaskReport>> ReadReportsAsync(string fleetName, CancellationToken cancellationToken);

    /// <summary>
    /// Notes which things of the fleet belong to no record, in place of those that were noted before; for each, how long it has been
    /// among them without a break.
    /// </summary>
    /// <param name="fleetName">Or what stands for none.</param>
    /// <param name="orphans">Whatever names them.</param>
    Task<IReadOnlyDictionary<string, TimeSpan>> NoteOrphansAsync(string fleetName, IReadOnlyCollection<string> orphans, CancellationToken cancellationToken);

    /// <summary>Removes a task's report; one that is gone is no error.</summary>
    Task RemoveReportAsync(string fleetName, string taskId, CancellationToken cancellationToken);
}
