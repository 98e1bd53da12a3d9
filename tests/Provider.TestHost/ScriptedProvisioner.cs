using System.Globalization;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.TestHost;

/// <summary>
/// Serves a listener as its Description says: <c>kill</c>, <c>kill-once</c>, <c>hang</c>, <c>block</c>, <c>throw</c>, <c>refuse</c>, <c>never</c>,
/// <c>after N</c> (served when asked for the N-th time); anything else is served at once. What it counts survives the process.
/// </summary>
internal sealed class ScriptedProvisioner(string directory) : IListenerProvisioner
{
    public Task<ListenerPorts> AllocatePortAsync(string physicalResourceId, string logicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken) =>
        Task.FromResult(new ListenerPorts(definition.Port ?? 40_000 + (Count("ports") % 20_000)));

    public async Task WaitUntilServedAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        var script = record.Definition.Description ?? string.Empty;
        var asked = Count($"asked-{record.PhysicalResourceId}");
        switch (script.Split(' '))
        {
            case ["kill"]:
            case ["kill-once"] when asked == 1:
                Faults.Kill();
                break;
            case ["block"]:
                Thread.Sleep(Timeout.Infinite);
                break;
            case ["hang"]:
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
                break;
            case ["throw"]:
                throw new InvalidDataException("inner detail of the provisioner");
            case ["refuse"]:
                throw new ProvisioningException("Task stopped: CannotPullContainerError.");
            case ["never"]:
            case ["after", var times] when asked < int.Parse(times, CultureInfo.InvariantCulture):
                await WaitInVainAsync(asked, cancellationToken);
                break;
        }
    }

    public Task ReleaseAsync(ListenerRecord record, CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task WaitInVainAsync(int asked, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException exception)
        {
            throw new NotYetServedException($"No target is healthy (asked {asked} times).", exception);
        }
    }

    // A file for each time: several processes may count at once.
    private int Count(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(directory, $"count-{name}")).FullName;
        File.WriteAllBytes(Path.Combine(folder, Guid.NewGuid().ToString("N")), []);
        return Directory.GetFiles(folder).Length;
    }
}
