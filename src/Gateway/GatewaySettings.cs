using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using UdpGateway.Listeners;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway;

/// <summary>
/// What the gateway program is told, on the command line (<c>--admin-port N</c>) or in the environment (<c>UDPGW_ADMIN_PORT</c>).
/// </summary>
internal static class GatewaySettings
{
    private const string EnvironmentPrefix = "UDPGW_";
    private const int DefaultAdminPort = 9100;

    // Fargate waits at most 120 s between SIGTERM and SIGKILL, and after the drain come the flush and the last reports.
    private const int DefaultDrainSeconds = 110;

    /// <summary>The command line wins.</summary>
    public static IConfiguration Load(IEnumerable<string> arguments)
    {
        // Names of variables have no hyphens.
        var environment = new ConfigurationBuilder().AddEnvironmentVariables(EnvironmentPrefix).Build().AsEnumerable()
            .Select(setting => KeyValuePair.Create(setting.Key.Replace('_', '-'), setting.Value));
        return new ConfigurationBuilder().AddInMemoryCollection(environment).AddCommandLine([.. arguments]).Build();
    }

    /// <exception cref="FormatException">A setting cannot be read; the message says which, what it is, and what would be right.</exception>
    public static GatewayOptions Read(IConfiguration settings)
    {
        var defaults = new GatewayOptions();
        return defaults with
        {
            BindAddress = Address(settings, "bind") ?? IPAddress.Any,
            LocalAddress = Address(settings, "local-address"),
            AdminPort = AdminPort(settings),
            HealthPort = Integer(settings, "health-port"),
            AdminNetworks = [.. Items(settings, "admin-networks").Select(Network)],
            Fleet = settings["fleet"],
            WaitsForBalancer = !string.IsNullOrEmpty(settings["fleet"]),
            Workers = Integer(settings, "workers") ?? Environment.ProcessorCount,
            DrainTime = Seconds(settings, "drain-seconds") ?? TimeSpan.FromSeconds(DefaultDrainSeconds),
            FlushTime = Seconds(settings, "flush-seconds") ?? defaults.FlushTime,
            RotationGrace = Hours(settings, "rotation-grace-hours") ?? defaults.RotationGrace,
            TimestampPolicy = TimestampPolicies.Parse(settings["timestamp-policy"] ?? "strict"),
            Region = settings["region"] ?? Environment.GetEnvironmentVariable("AWS_REGION") ?? defaults.Region,
            Domain = settings["domain"] ?? defaults.Domain,
            NameServers = [.. Items(settings, "name-servers").Select(NameServer)],
            Relay = settings["relay-secret"] is { } secret ? Relay(settings, secret) : null,
            MetricsNamespace = settings["metrics-namespace"] ?? defaults.MetricsNamespace,
        };
    }

    public static int AdminPort(IConfiguration settings) => Integer(settings, "admin-port") ?? DefaultAdminPort;

    /// <summary>Whether log lines are JSON: as said by <c>log-format</c>, else where nobody watches.</summary>
    public static bool LogsJson(IConfiguration settings) => settings["log-format"] switch
    {
        null => Console.IsOutputRedirected,
        "json" => true,
        "text" => false,
        var other => throw new FormatException($"log-format is \"{other}\"; it must be json or text."),
    };

    private static FleetRelayOptions Relay(IConfiguration settings, string secret)
    {
        Uri[] peers = [.. Items(settings, "relay-peers").Select(Peer)];
        return new FleetRelayOptions
        {
            BindAddress = Address(settings, "relay-bind") ?? Address(settings, "bind") ?? IPAddress.Any,
            Port = Integer(settings, "relay-port") ?? FleetDefinition.DefaultRelayPort,
            Peers = () => peers,
            KeySecretId = secret,
        };
    }

    private static Uri Peer(string text) => IPEndPoint.TryParse(text, out var peer) && peer.Port > 0
        ? new Uri($"http://{peer}")
        : throw new FormatException($"relay-peers has \"{text}\"; each must be an IP address with a port.");

    private static int? Integer(IConfiguration settings, string name) => settings[name] switch
    {
        null => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        var text => throw new FormatException($"{name} is \"{text}\"; it must be a whole number."),
    };

    private static TimeSpan? Seconds(IConfiguration settings, string name) => settings[name] switch
    {
        null => null,
        var text when double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= 3600 => TimeSpan.FromSeconds(seconds),
        var text => throw new FormatException($"{name} is \"{text}\"; it must be a number of seconds up to 3600."),
    };

    private static TimeSpan? Hours(IConfiguration settings, string name) => settings[name] switch
    {
        null => null,
        var text when double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var hours) && hours <= 8760 => TimeSpan.FromHours(hours),
        var text => throw new FormatException($"{name} is \"{text}\"; it must be a number of hours up to 8760."),
    };

    private static IPAddress? Address(IConfiguration settings, string name) => settings[name] switch
    {
        null => null,
        var text when IPAddress.TryParse(text, out var address) => address,
        var text => throw new FormatException($"{name} is \"{text}\"; it must be an IP address."),
    };

    private static string[] Items(IConfiguration settings, string name) =>
        (settings[name] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IPNetwork Network(string text) => IPNetwork.TryParse(text, out var network)
        ? network
        : throw new FormatException($"admin-networks has \"{text}\"; each must be a CIDR block such as 10.0.0.0/16.");

    private static IPEndPoint NameServer(string text)
    {
        const int Dns = 53;
        if (!IPEndPoint.TryParse(text, out var server))
            throw new FormatException($"name-servers has \"{text}\"; each must be an IP address, with or without a port.");
        return server.Port == 0 ? new IPEndPoint(server.Address, Dns) : server;
    }
}
