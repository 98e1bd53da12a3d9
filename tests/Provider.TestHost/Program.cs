using UdpGateway.Provider;
using UdpGateway.Provider.TestHost;

// The provider's program as Lambda runs it, with a provisioner that fails as a test asks it to.
return await ProviderProgram.RunAsync(static (settings, loggers) =>
{
    // Or exactly as on AWS, but that answers may go to a loopback address.
    if (Environment.GetEnvironmentVariable("TESTHOST_AWS") is not null)
        return AwsBacking.Compose(settings, loggers) with { Options = settings.ToOptions() with { LocalMode = true } };

    var directory = Environment.GetEnvironmentVariable("TESTHOST_STORE") ?? throw new InvalidOperationException("TESTHOST_STORE names no directory.");
    Faults.AtInit(Environment.GetEnvironmentVariable("TESTHOST_INIT"));
    var (store, secrets) = Stores.Open(directory, settings);
    return new ProviderBacking(settings.ToOptions() with { LocalMode = true }, store, secrets, new ScriptedProvisioner(directory));
});
