using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using UdpGateway.Aws;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// A Network Load Balancer's packets, which moto has none of: for each listener of the balancer a socket that gives every client's flow one healthy
/// target and stays with it, also for the deregistration delay after the target was deregistered; the next packet makes a new flow.
/// </summary>
/// <remarks>
/// Source: Elastic Load Balancing, Network Load Balancers, "Edit target group attributes": deregistration delay with connection termination, source IP stickiness.
/// Unlike AWS's it does not keep the client's address.
/// </remarks>
internal sealed class FlowBalancer : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly IElasticLoadBalancingV2 _balancing;
    private readonly string _loadBalancerArn;
    private readonly IPAddress _address;
    private readonly TimeSpan _deregistrationDelay;
    private readonly ConcurrentDictionary<int, Front> _fronts = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    private FlowBalancer(IElasticLoadBalancingV2 balancing, string loadBalancerArn, IPAddress address, TimeSpan deregistrationDelay)
    {
        (_balancing, _loadBalancerArn, _address, _deregistrationDelay) = (balancing, loadBalancerArn, address, deregistrationDelay);
    }

    /// <param name="balancing">Says which targets are registered and healthy.</param>
    /// <param name="address">Where clients reach it.</param>
    public static FlowBalancer Start(IElasticLoadBalancingV2 balancing, string loadBalancerArn, IPAddress address, TimeSpan deregistrationDelay)
    {
        var balancer = new FlowBalancer(balancing, loadBalancerArn, address, deregistrationDelay);
        balancer._running = Task.Run(balancer.FollowAsync);
        return balancer;
    }

    /// <summary>Whether packets to the port have somebody to go to.</summary>
    public bool Serves(int port) => _fronts.TryGetValue(port, out var front) && front.HasHealthyTarget;

    /// <summary>When flows of the port began, in time since the machine's start, and to whom.</summary>
    public IReadOnlyList<(TimeSpan At, IPAddress Target)> FlowsOf(int port) => [.. _fronts[port].Flows];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        foreach (var front in _fronts.Values)
            await front.DisposeAsync();
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var listeners = await _balancing.DescribeListenersAsync(_loadBalancerArn, default);
            foreach (var gone in _fronts.Keys.Except(listeners.Select(listener => listener.Port)))
            {
                if (_fronts.TryRemove(gone, out var front))
                    await front.DisposeAsync();
            }

            foreach (var listener in listeners)
            {
                var front = _fronts.GetOrAdd(listener.Port, port => new Front(new IPEndPoint(_address, port), _deregistrationDelay));
                front.Follow(await _balancing.DescribeTargetHealthAsync(listener.TargetGroupArn!, default));
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private sealed class Front : IAsyncDisposable
    {
        private readonly TimeSpan _deregistrationDelay;
        private readonly Socket _socket;
        private readonly CancellationTokenSource _stop = new();
        private readonly Dictionary<EndPoint, Flow> _flows = [];
        private readonly ConcurrentQueue<Flow> _all = new();
        private readonly ConcurrentDictionary<IPEndPoint, TargetState> _targets = new();
        private readonly Task _running;

        public Front(IPEndPoint address, TimeSpan deregistrationDelay)
        {
            _deregistrationDelay = deregistrationDelay;
            _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            _socket.Bind(address);
            _running = ForwardAsync();
        }

        public IEnumerable<(TimeSpan At, IPAddress Target)> Flows => _all.Select(flow => (flow.Began, flow.Target.Address));

        public bool HasHealthyTarget => _targets.Values.Any(target => target.IsHealthy);

        public void Follow(IReadOnlyList<TargetHealth> targets)
        {
            var registered = targets.ToDictionary(target => new IPEndPoint(IPAddress.Parse(target.Target.Address), target.Target.Port), target => target.State);
            foreach (var (target, state) in registered)
                _targets[target] = new TargetState(state == "healthy", null);
            foreach (var (target, state) in _targets.Where(known => !registered.ContainsKey(known.Key) && known.Value.DeregisteredAt is null))
                _targets[target] = new TargetState(false, Stopwatch.GetTimestamp());
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            foreach (var flow in _all)
                await flow.DisposeAsync();
            _socket.Dispose();
            _stop.Dispose();
        }

        private async Task ForwardAsync()
        {
            var buffer = new byte[ushort.MaxValue];
            while (true)
            {
                SocketReceiveFromResult received;
                try
                {
                    received = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                }
                catch (OperationCanceledException) when (_stop.IsCancellationRequested)
                {
                    return;
                }

                var client = (IPEndPoint)received.RemoteEndPoint;
                if (!_flows.TryGetValue(client, out var flow) || !GoesOn(flow))
                {
                    // As AWS does, by the source's address; without a healthy target the packet is lost.
                    var healthy = _targets.Where(target => target.Value.IsHealthy).Select(target => target.Key).OrderBy(target => target.ToString(), StringComparer.Ordinal).ToArray();
                    if (healthy.Length == 0)
                        continue;
                    _flows[client] = flow = new Flow(_socket, client, healthy[client.Address.GetAddressBytes()[^1] % healthy.Length]);
                    _all.Enqueue(flow);
                }

                flow.Send(buffer.AsSpan(0, received.ReceivedBytes));
            }
        }

        private bool GoesOn(Flow flow) =>
            _targets[flow.Target].DeregisteredAt is not { } deregistered || Stopwatch.GetElapsedTime(deregistered) < _deregistrationDelay;

        /// <param name="DeregisteredAt">Null while it is registered.</param>
        private sealed record TargetState(bool IsHealthy, long? DeregisteredAt);
    }

    private sealed class Flow : IAsyncDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;

        public Flow(Socket front, EndPoint client, IPEndPoint target)
        {
            Target = target;
            _socket.Connect(target);
            _running = ReturnAsync(front, client);
        }

        public IPEndPoint Target { get; }

        public TimeSpan Began { get; } = Stopwatch.GetElapsedTime(0);

        public void Send(ReadOnlySpan<byte> datagram)
        {
            try
            {
                _socket.Send(datagram);
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionRefused)
            {
                // Nobody is there any more, which says nothing of this packet's successors.
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _socket.Dispose();
            _stop.Dispose();
        }

        private async Task ReturnAsync(Socket front, EndPoint client)
        {
            var buffer = new byte[ushort.MaxValue];
            while (true)
            {
                try
                {
                    var length = await _socket.ReceiveAsync(buffer, _stop.Token);
                    await front.SendToAsync(buffer.AsMemory(0, length), client);
                }
                catch (OperationCanceledException) when (_stop.IsCancellationRequested)
                {
                    return;
                }
                catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionRefused)
                {
                    // As above.
                }
            }
        }
    }
}
