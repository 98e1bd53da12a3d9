using Microsoft.Extensions.Logging;

namespace UdpGateway.Provider;

/// <summary>What the provider works with on AWS; the one place that chooses.</summary>
internal static class AwsBacking
{
    public static ProviderBacking Compose(ProviderSettings settings, ILoggerFactory loggers) =>
        throw new ProviderSettingsException("This version of the provider lacks the ECS provisioner, so it can make no listener reachable on AWS; templates run locally with `udpgw up`.");
}
