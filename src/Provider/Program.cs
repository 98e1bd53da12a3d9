using UdpGateway.Provider;

return await ProviderProgram.RunAsync(AwsBacking.Compose);
