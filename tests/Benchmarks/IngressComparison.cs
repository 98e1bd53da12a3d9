using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using UdpGateway.Benchmarks.Load;
using UdpGateway.Gateway.Sockets;
using UdpGateway.Listeners;

namespace UdpGateway.Benchmarks;

/// <summary>
/// Plain UDP into a destination that does nothing, one worker, 200-byte packets, beside a bare loop of recvmmsg: how many packets each
/// takes for a second of its processor time while more arrive than it can take. Wanted: 70 % of the bare loop.
/// </summary>
internal static class IngressComparison
{
    private const int PacketLength = 200;
    private const int Pairs = 5;

    // More than either takes on the machines that this was tried on.
    private const double PacketsPerSecond = 2_000_000;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Spell = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(TextWriter output)
    {
        await using var gateway = await GatewayProcess.StartAsync("null-gateway");
        await using var bare = await GatewayProcess.StartAsync("bare-receive");
        await MeasureAsync(gateway, WarmUp);
        await MeasureAsync(bare, WarmUp / 2);
        var ratios = new List<double>();
        for (var pair = 0; pair < Pairs; pair++)
        {
            var loop = await MeasureAsync(bare, Spell);
            var ours = await MeasureAsync(gateway, Spell);
            ratios.Add(ours / loop);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"bare loop {loop:N0}, gateway {ours:N0} packets per processor second: {ours / loop:P0}"));
        }

        ratios.Sort();
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"median {ratios[Pairs / 2]:P0}; wanted 70 %"));
    }

    /// <summary>A gateway whose destination does nothing; serves until the input ends.</summary>
    public static async Task<int> ServeNullAsync(TextReader input, TextWriter output)
    {
        await using var gateway = await LoadGateway.StartNullAsync(ListenerProtocol.Udp);
        return await DeliveryBenchmark.ServeAsync(gateway, input, output);
    }

    /// <summary>The bare loop, counted at the same kind of address; serves until the input ends.</summary>
    public static async Task<int> ServeBareAsync(TextReader input, TextWriter output)
    {
        using var receiver = new BareReceiver();
        using var counts = new HttpListener();
        var port = FreePort();
        counts.Prefixes.Add($"http://127.0.0.1:{port}/");
        counts.Start();
        _ = AnswerAsync(counts, receiver);
        await output.WriteLineAsync($"{receiver.Port} {Convert.ToBase64String(new byte[32])} http://127.0.0.1:{port}");
        await input.ReadToEndAsync();
        return 0;
    }

    private static async Task<double> MeasureAsync(GatewayProcess process, TimeSpan duration)
    {
        using var flood = Flood.OfPackets(process.Endpoint, new byte[PacketLength], PacketsPerSecond);
        flood.Start();
        await Task.Delay(200);
        var (packets, processor) = (await process.MetricAsync("udpgw_packets_received_total"), process.ProcessorTime);
        await Task.Delay(duration);
        return (await process.MetricAsync("udpgw_packets_received_total") - packets) / (process.ProcessorTime - processor).TotalSeconds;
    }

    private static async Task AnswerAsync(HttpListener counts, BareReceiver receiver)
    {
        while (true)
        {
            var context = await counts.GetContextAsync();
            await using var writer = new StreamWriter(context.Response.OutputStream);
            await writer.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"udpgw_packets_received_total{{listener=\"bare\"}} {receiver.Packets}\n"));
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Nothing but recvmmsg, with the gateway's number of datagrams at a time and buffers of its size.</summary>
    private sealed unsafe class BareReceiver : IDisposable
    {
        private readonly Socket _socket = DatagramPlatforms.CreateSocket(new IPEndPoint(IPAddress.Loopback, 0), share: false, 4 * 1024 * 1024);
        private readonly Thread _thread;
        private volatile bool _stopping;
        private long _packets;

        public BareReceiver()
        {
            _thread = new Thread(Receive) { Name = "bare", IsBackground = true };
            _thread.Start();
        }

        public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

        public long Packets => Volatile.Read(ref _packets);

        public void Dispose()
        {
            _stopping = true;
            _thread.Join();
            _socket.Dispose();
        }

        private void Receive()
        {
            const int NameSize = 28;
            var buffers = (byte*)NativeMemory.AllocZeroed(DatagramBatch.Capacity, DatagramBatch.SlotSize);
            var names = (byte*)NativeMemory.AllocZeroed(DatagramBatch.Capacity, NameSize);
            var vectors = stackalloc LinuxSystemCalls.IoVector[DatagramBatch.Capacity];
            var messages = stackalloc LinuxSystemCalls.Message[DatagramBatch.Capacity];
            var descriptor = (int)_socket.SafeHandle.DangerousGetHandle();
            var entry = new LinuxSystemCalls.PollEntry { Descriptor = descriptor, Events = LinuxSystemCalls.PollIn };
            while (!_stopping)
            {
                for (var i = 0; i < DatagramBatch.Capacity; i++)
                {
                    vectors[i] = new LinuxSystemCalls.IoVector { Base = buffers + ((nint)i * DatagramBatch.SlotSize), Length = DatagramBatch.SlotSize };
                    messages[i].Header = new LinuxSystemCalls.MessageHeader { Name = names + (i * NameSize), NameLength = NameSize, Vectors = vectors + i, VectorCount = 1 };
                }

                var received = LinuxSystemCalls.recvmmsg(descriptor, messages, DatagramBatch.Capacity, LinuxSystemCalls.DoNotWait, null);
                if (received > 0)
                    _packets += received;
                else
                    _ = LinuxSystemCalls.poll(&entry, 1, 100);
            }

            NativeMemory.Free(buffers);
            NativeMemory.Free(names);
        }
    }
}
