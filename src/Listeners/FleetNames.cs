using System.Security.Cryptography;
using System.Text;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Listeners;

/// <summary>Names and ports that control plane and gateways must agree on without asking each other.</summary>
public static class FleetNames
{
    /// <summary>Begins the name of every target group that a provider makes.</summary>
    public const string TargetGroupPrefix = "udpgw-";

    /// <summary>The lowest port that a program without privileges may bind.</summary>
    public const int FirstUnprivilegedPort = 1024;

    /// <summary>The name of a listener's target group: unique in account and region, at most 32 characters, the same at every repetition.</summary>
    public static string TargetGroup(string loadBalancerArn, ListenerRecord listener)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{loadBalancerArn}\n{listener.StackId}\n{listener.LogicalResourceId}\n{listener.PhysicalResourceId}"));
        return $"{TargetGroupPrefix}{Convert.ToHexStringLower(digest, 0, 12)}";
    }

    /// <summary>What tasks bind for a public port: the port itself, or one of the last 1,023 for a port that only root may bind.</summary>
    public static int TargetPort(int port) => port >= FirstUnprivilegedPort ? port : port + (65_536 - FirstUnprivilegedPort);
}
