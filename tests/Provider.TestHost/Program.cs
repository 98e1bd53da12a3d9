using UdpGateway.Provider;
using UdpGateway.Provider.TestHost;

// The provider's program as Lambda runs it, with the store of local mode and a provisioner that fails as a test asks it to.
return await ProviderProgram.RunAsync(static (settings, _) =>
{
    var directory = Environment.GetEnvironmentVariable("TESTHOST_STORE") ?? throw new InvalidOperationException("TESTHOST_STORE names no directory.");
    Faults.AtInit(Environment.GetEnvironmentVariable("TESTHOST_INIT"));
    var store = new UdpGateway.Listeners.Storage.EmbeddedStore(directory);
    return new ProviderBacking(settings.ToOptions() with { LocalMode = true }, store, store, new ScriptedProvisioner(directory));
});
