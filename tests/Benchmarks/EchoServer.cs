using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using UdpGateway.Benchmarks.Load;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>A process that speaks WireGuard on 127.0.0.1 and sends inner UDP back, in one way or another.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private const int WireGuardGoPort = 51_820;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly InnerEcho? _innerEcho;
    private readonly DirectoryInfo? _keys;

    private EchoServer(Process process, int port, byte[] publicKey, InnerEcho? innerEcho = null, DirectoryInfo? keys = null)
    {
        _process = process;
        _innerEcho = innerEcho;
        _keys = keys;
        Endpoint = new IPEndPoint(IPAddress.Loopback, port);
        PublicKey = publicKey;
    }

    public IPEndPoint Endpoint { get; }

    public byte[] PublicKey { get; }

    /// <summary>Of the server's process, all threads, user and kernel.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <param name="self">Arguments that start this program again.</param>
    public static async Task<EchoServer> StartGatewayAsync(string[] self)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. self, "echo-gateway"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The gateway did not start.");
        var words = line.Split(' ');
        return new EchoServer(process, int.Parse(words[0], CultureInfo.InvariantCulture), Convert.FromBase64String(words[1]));
    }

    /// <param name="clientKeys">Private keys; client i owns the inner address <see cref="LoadClient.AddressOf"/>(i).</param>
    public static async Task<EchoServer> StartWireGuardGoAsync(byte[][] clientKeys)
    {
        var name = $"ugb{Environment.ProcessId}";
        var socket = $"/var/run/wireguard/{name}.sock";
        var keys = Directory.CreateTempSubdirectory("udpgw-wg-");
        var privateKey = RandomNumberGenerator.GetBytes(SecretKey.Size);
        var configuration = new StringBuilder($"[Interface]\nPrivateKey = {Convert.ToBase64String(privateKey)}\nListenPort = {WireGuardGoPort}\n");
        for (var i = 0; i < clientKeys.Length; i++)
            configuration.Append(CultureInfo.InvariantCulture, $"[Peer]\nPublicKey = {Convert.ToBase64String(PublicKeyOf(clientKeys[i]))}\nAllowedIPs = {LoadClient.AddressOf(i)}/32\n");
        var file = Path.Combine(keys.FullName, "wg.conf");
        await File.WriteAllTextAsync(file, configuration.ToString());

        var process = Process.Start(new ProcessStartInfo("wireguard-go", ["--foreground", name]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        for (var started = Stopwatch.GetTimestamp(); !File.Exists(socket); await Task.Delay(20))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
                throw new InvalidOperationException("wireguard-go did not start.");
        }

        await EchoComparison.CallAsync("wg", "setconf", name, file);
        await EchoComparison.CallAsync("ip", "address", "add", $"{LoadClient.EchoAddress}/16", "dev", name);
        await EchoComparison.CallAsync("ip", "link", "set", name, "up");
        return new EchoServer(process, WireGuardGoPort, PublicKeyOf(privateKey), new InnerEcho(), keys);
    }

    public async ValueTask DisposeAsync()
    {
        _innerEcho?.Dispose();
        _keys?.Delete(recursive: true);
        if (_process.StartInfo.RedirectStandardInput)
            _process.StandardInput.Close();
        else
            await EchoComparison.CallAsync("kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture));
        using var deadline = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(deadline.Token);
        _process.Dispose();
    }

    private static byte[] PublicKeyOf(byte[] privateKey)
    {
        var publicKey = new byte[SecretKey.Size];
        WireGuardKeys.ComputePublicKey(privateKey, publicKey);
        return publicKey;
    }

    /// <summary>The UDP server behind the interface of wireguard-go.</summary>
    private sealed class InnerEcho : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly Thread _thread;
        private volatile bool _stopping;

        public InnerEcho()
        {
            _socket.ReceiveBufferSize = 4 * 1024 * 1024;
            _socket.ReceiveTimeout = 200;
            _socket.Bind(new IPEndPoint(IPAddress.Parse(LoadClient.EchoAddress), 7));
            _thread = new Thread(Serve) { Name = "inner echo", IsBackground = true };
            _thread.Start();
        }

        public void Dispose()
        {
            _stopping = true;
            _thread.Join();
            _socket.Dispose();
        }

        private void Serve()
        {
            var buffer = new byte[2_048];
            var source = new SocketAddress(AddressFamily.InterNetwork);
            while (!_stopping)
            {
                try
                {
                    var length = _socket.ReceiveFrom(buffer, SocketFlags.None, source);
                    _socket.SendTo(buffer.AsSpan(0, length), SocketFlags.None, source);
                }
                catch (SocketException fault) when (fault.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
                {
                    // Nothing came for a while: look whether to stop.
                }
            }
        }
    }
}
