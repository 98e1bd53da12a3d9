using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider;

/// <summary>What makes a stored listener reachable: a balancer and its tasks on AWS, the gateway in the same process locally.</summary>
public interface IListenerProvisioner
{
    /// <summary>Refuses, before anything is made, what there is no room for. Others may still take the last of it in the meantime.</summary>
    /// <exception cref="ProvisioningException">There is none; the message says why.</exception>
    Task RequireRoomAsync(string physicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Chooses the UDP port of a listener generation. It may be called again for the same generation, also in parallel: the result is
    /// either the same port, or one that costs nothing when it is not used.
    /// </summary>
    /// <exception cref="ProvisioningException">There is no such port; the message says why.</exception>
    Task<ListenerPorts> AllocatePortAsync(string physicalResourceId, string logicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken);

    /// <summary>
    /// Returns when the record, at its version or a newer one, is served. Cancelling it is no failure: asking again, also from
    /// another process, goes on waiting.
    /// </summary>
    /// <exception cref="ProvisioningException">It cannot be; the message says why.</exception>
    /// <exception cref="NotYetServedException">Cancelled, and this was missing last.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, and there is nothing to say about it.</exception>
    Task WaitUntilServedAsync(ListenerRecord record, CancellationToken cancellationToken);

    /// <summary>Gives back what serving took. Called before the record is deleted, and possibly again after a failure.</summary>
    Task ReleaseAsync(ListenerRecord record, CancellationToken cancellationToken);

    /// <summary>
    /// Gives back what an event that still ran took after <see cref="ReleaseAsync"/>. Called once the record is deleted: from then on
    /// <see cref="WaitUntilServedAsync"/> itself gives back what it takes.
    /// </summary>
    Task ReleaseDeletedAsync(ListenerRecord record, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <param name="Port">What clients send to.</param>
/// <param name="TargetPort">What gateways bind where it is another one; otherwise null.</param>
public readonly record struct ListenerPorts(int Port, int? TargetPort = null);

/// <summary>A listener cannot be provisioned; the message is one sentence for the stack's events and holds no secret.</summary>
public sealed class ProvisioningException : Exception
{
    public ProvisioningException()
    {
    }

    public ProvisioningException(string message)
        : base(message)
    {
    }

    public ProvisioningException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>
/// Waiting was given up while nothing had failed; the message is one sentence for the stack's events that says what is
/// missing, and holds no secret.
/// </summary>
public sealed class NotYetServedException : Exception
{
    public NotYetServedException()
        : base("The listener is not served yet.")
    {
    }

    public NotYetServedException(string message)
        : base(message)
    {
    }

    public NotYetServedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
