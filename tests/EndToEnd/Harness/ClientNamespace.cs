using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>
/// A network namespace for a WireGuard client, tied to this one by a pair of interfaces. Names and addresses are made from
/// the process id, so that two runs on one machine do not meet.
/// </summary>
internal sealed class ClientNamespace : IAsyncDisposable
{
    private static int _count;

    private readonly string _id;
    private readonly string _name;
    private readonly string _hostInterface;
    private readonly string _clientInterface;
    private readonly List<Process> _tunnels = [];

    private ClientNamespace(int number)
    {
        _id = $"{Environment.ProcessId % 100_000}{(char)('a' + number % 26)}";
        _name = $"udpgw-{_id}";
        _hostInterface = $"ugh{_id}";
        _clientInterface = $"ugc{_id}";
        // 198.18.0.0/15 is set aside for tests of network devices (RFC 2544): a /30 for each namespace.
        var block = (Environment.ProcessId * 7 + number) % 16_384;
        HostAddress = $"198.18.{block >> 6}.{(block & 63) * 4 + 1}";
        ClientAddress = $"198.18.{block >> 6}.{(block & 63) * 4 + 2}";
    }

    /// <summary>Where the gateway binds.</summary>
    public string HostAddress { get; }

    public string ClientAddress { get; }

    /// <summary>As <c>ip netns exec</c> wants it.</summary>
    public string Name => _name;

    public static async Task<ClientNamespace> CreateAsync()
    {
        var created = new ClientNamespace(Interlocked.Increment(ref _count));
        try
        {
            await IpAsync("netns", "add", created._name);
            await IpAsync("link", "add", created._hostInterface, "type", "veth", "peer", "name", created._clientInterface, "netns", created._name);
            await IpAsync("address", "add", $"{created.HostAddress}/30", "dev", created._hostInterface);
            await IpAsync("link", "set", created._hostInterface, "up");
            await created.RunAsync("ip", "link", "set", "lo", "up");
            await created.RunAsync("ip", "address", "add", $"{created.ClientAddress}/30", "dev", created._clientInterface);
            await created.RunAsync("ip", "link", "set", created._clientInterface, "up");
            return created;
        }
        catch
        {
            await created.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program inside, and fails with what it printed unless it ends with 0.</summary>
    public async Task<string> RunAsync(string program, params string[] arguments) => (await TryRunAsync(program, arguments)).Succeeded().Output;

    public Task<ProgramRun> TryRunAsync(string program, params string[] arguments) =>
        ProgramRun.OfAsync("ip", ["netns", "exec", _name, program, .. arguments]);

    /// <summary>Brings up a WireGuard interface with wireguard-go, as wg-quick would from README's configuration.</summary>
    /// <param name="publicKey">The listener's.</param>
    /// <param name="presharedKeyFile">Null for none.</param>
    public async Task<string> AddTunnelAsync(string publicKey, string endpoint, string privateKeyFile, string? presharedKeyFile = null)
    {
        // wireguard-go's sockets are in one folder, whatever the namespace.
        var name = $"ugw{_id}{_tunnels.Count}";
        var socket = $"/var/run/wireguard/{name}.sock";
        var process = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", _name, "wireguard-go", "--foreground", name])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _tunnels.Add(process);
        var log = new StringBuilder();
        process.OutputDataReceived += (_, line) => log.AppendLine(line.Data);
        process.ErrorDataReceived += (_, line) => log.AppendLine(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await Eventually.TrueAsync(() => File.Exists(socket) || process.HasExited, TimeSpan.FromSeconds(10));
        Assert.False(process.HasExited, $"wireguard-go ended: {log}");

        string[] presharedKey = presharedKeyFile is null ? [] : ["preshared-key", presharedKeyFile];
        await RunAsync("wg", ["set", name, "private-key", privateKeyFile,
            "peer", publicKey, "endpoint", endpoint, "allowed-ips", ReadmeText.ClientSetting("AllowedIPs").Replace(" ", "", StringComparison.Ordinal), .. presharedKey]);
        foreach (var address in ReadmeText.ClientSetting("Address").Split(", "))
            await RunAsync("ip", ["address", "add", address, "dev", name, .. address.Contains(':', StringComparison.Ordinal) ? ["nodad"] : Array.Empty<string>()]);
        await RunAsync("ip", "link", "set", name, "up");
        return name;
    }

    /// <summary>From now on everything in the namespace has another source address, as after a change of network.</summary>
    public async Task MoveToSecondAddressAsync()
    {
        // The other half of the test block, so that no second namespace has it.
        var address = ClientAddress.Replace("198.18.", "198.19.", StringComparison.Ordinal);
        await IpAsync("route", "add", $"{address}/32", "dev", _hostInterface);
        await RunAsync("ip", "address", "add", $"{address}/32", "dev", _clientInterface);
        await RunAsync("ip", "address", "delete", $"{ClientAddress}/30", "dev", _clientInterface);
        await RunAsync("ip", "route", "add", $"{HostAddress}/32", "dev", _clientInterface, "src", address);
    }

    /// <summary>Seconds since 1970 of the newest completed handshake; 0 for none.</summary>
    public async Task<long> LatestHandshakeAsync(string tunnel)
    {
        var text = await RunAsync("wg", "show", tunnel, "latest-handshakes");
        return long.Parse(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[^1], CultureInfo.InvariantCulture);
    }

    /// <summary>Counts every UDP packet that arrives from the gateway, before anything can drop it.</summary>
    public Task CountArrivalsAsync() => RunAsync("nft",
        "add table inet udpgw; " +
        "add chain inet udpgw arrivals { type filter hook prerouting priority raw; }; " +
        $"add rule inet udpgw arrivals ip saddr {HostAddress} ip protocol udp counter");

    public async Task<long> ArrivalsAsync()
    {
        var words = (await RunAsync("nft", "list", "chain", "inet", "udpgw", "arrivals")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(words[Array.IndexOf(words, "packets") + 1], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var tunnel in _tunnels)
        {
            // The gentle signal lets it remove its control socket.
            if (!tunnel.HasExited)
                await ProgramRun.OfAsync("kill", ["-TERM", tunnel.Id.ToString(CultureInfo.InvariantCulture)]);
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await tunnel.WaitForExitAsync(deadline.Token);
            tunnel.Dispose();
        }

        // The interfaces go with the namespace.
        await ProgramRun.OfAsync("ip", ["netns", "delete", _name]);
        await ProgramRun.OfAsync("ip", ["link", "delete", _hostInterface]);
    }

    private static async Task IpAsync(params string[] arguments) => (await ProgramRun.OfAsync("ip", arguments)).Succeeded();
}
