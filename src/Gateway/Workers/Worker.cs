using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.Replies;
using UdpGateway.Gateway.Sockets;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Workers;

/// <summary>
/// One thread that serves all listeners: it owns a socket and an engine per port and every table behind them, so that
/// nothing on the packet path is shared. Others reach it only through <see cref="TryPost"/> and <see cref="InvokeAsync"/>.
/// </summary>
internal sealed partial class Worker : IDisposable
{
    private const int InboxCapacity = 16_384;

    /// <summary>Messages handled between two looks at the sockets.</summary>
    private const int MessagesPerTurn = 256;

    private readonly BoundedRing<WorkerMessage> _inbox = new(InboxCapacity);
    private readonly ConcurrentQueue<Command> _commands = new();
    private readonly List<WorkerListener> _listeners = [];
    private readonly IReadOnlyList<Worker> _all;
    private readonly IDatagramPoller _poller;
    private readonly SendQueue _sendQueue;
    private readonly PacketPath _path;
    private readonly ReplySender _replies;
    private readonly ILogger<Worker> _logger;
    private readonly Thread _thread;
    private volatile bool _stopping;
    private volatile bool _hasDied;
    private bool _flushesAtOnce;
    private int _mayWait;

    public Worker(int index, IReadOnlyList<Worker> all, int count, IDatagramPlatform platform, GatewayClock clock, ILogger<Worker> logger)
    {
        Index = index;
        Count = count;
        Platform = platform;
        Clock = clock;
        _all = all;
        _logger = logger;
        _poller = platform.CreatePoller();
        _sendQueue = new SendQueue(platform);
        _path = new PacketPath(this, _sendQueue);
        _replies = new ReplySender(_sendQueue);
        _thread = new Thread(Run) { Name = $"udpgw worker {index}", IsBackground = true };
    }

    public int Index { get; }

    /// <summary>How many workers there are.</summary>
    public int Count { get; }

    public IDatagramPlatform Platform { get; }

    public GatewayClock Clock { get; }

    public BatchPool BatchPool { get; } = new();

    public ICryptoBackend Crypto { get; } = CryptoBackends.CreateBest();

    /// <summary>Null when nobody watches.</summary>
    public Observability.IPacketTap? Tap { get; init; }

    /// <summary>False once the thread has ended by a defect of ours.</summary>
    public bool IsAlive => !_hasDied;

    /// <summary>Bytes that this worker's thread has allocated; constant while it only moves packets.</summary>
    public long AllocatedBytes { get; private set; }

    public bool InboxIsEmpty => _inbox.IsEmpty;

    public void Start() => _thread.Start();

    /// <summary>Any thread. False when the inbox is full: the caller drops and counts, or tries again.</summary>
    public bool TryPost(in WorkerMessage message)
    {
        if (_stopping || !_inbox.TryEnqueue(message))
            return false;
        WakeIfWaiting();
        return true;
    }

    /// <summary>Any thread. Runs the action between two turns of the worker; fails when the worker has died.</summary>
    public Task InvokeAsync(Action action)
    {
        var command = new Command(action, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _commands.Enqueue(command);
        if (!IsAlive)
            FailCommands();
        WakeIfWaiting();
        return command.Done.Task;
    }

    /// <summary>On the worker's thread.</summary>
    public void Add(WorkerListener listener)
    {
        _listeners.Add(listener);
        _poller.Add(listener.Socket);
    }

    /// <summary>On the worker's thread.</summary>
    public void Remove(WorkerListener listener)
    {
        _sendQueue.Flush();
        _poller.Remove(listener.Socket);
        _listeners.Remove(listener);
        listener.Close();
    }

    /// <summary>Open batches leave, and from now on no packet waits for others to fill its batch. On the worker's thread.</summary>
    public void FlushBatchesAtOnce()
    {
        _flushesAtOnce = true;
        foreach (var listener in _listeners)
            listener.FlushBatches();
    }

    /// <summary>Gives a datagram to the worker that owns its session. Copies it: the slot is used again at once.</summary>
    public bool TryHandOver(WorkerListener listener, int owner, ReadOnlySpan<byte> datagram, in PeerEndpoint source)
    {
        if (owner == Index || (uint)owner >= (uint)listener.Siblings.Count)
            return false;
        var copy = ArrayPool<byte>.Shared.Rent(datagram.Length);
        datagram.CopyTo(copy);
        var route = new ReplyRoute(ReplyForm.Datagram, source, default, 0, default);
        if (_all[owner].TryPost(new WorkerMessage(WorkerMessageKind.Handover, listener.Siblings[owner], route, copy, datagram.Length)))
            return true;
        ArrayPool<byte>.Shared.Return(copy);
        return false;
    }

    /// <summary>Sends what no packet asked for; returns why it was not sent, or null. On the worker's thread.</summary>
    public Observability.DropReason? Send(WorkerListener listener, in ReplyRoute route, ReadOnlySpan<byte> payload) => _replies.Send(listener, route, payload, Clock.Now);

    /// <summary>Ends the thread; what is still in the inbox is lost.</summary>
    public void Stop()
    {
        _stopping = true;
        _poller.Wake();
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
            return;
        _thread.Join();
    }

    public void Dispose()
    {
        Stop();
        foreach (var listener in _listeners)
            listener.Close();
        _path.Dispose();
        _sendQueue.Dispose();
        _poller.Dispose();
        (Crypto as IDisposable)?.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!_stopping)
                Turn();
        }
        catch (Exception defect)
        {
            _hasDied = true;
            FailCommands();
            Log.Died(_logger, defect, Index);
        }
    }

    private void Turn()
    {
        _poller.Wait(TimeToWait());
        Volatile.Write(ref _mayWait, 0);

        while (_commands.TryDequeue(out var command))
            command.Run();
        HandleMessages();
        foreach (var listener in _listeners)
        {
            if (listener.Socket.IsReadable)
                _path.Receive(listener);
            _path.AnswerInitiations(listener);
        }

        RunTimers();
        _sendQueue.Flush();
        AllocatedBytes = GC.GetAllocatedBytesForCurrentThread();
    }

    private void HandleMessages()
    {
        var now = Clock.Now;
        for (var i = 0; i < MessagesPerTurn && _inbox.TryDequeue(out var message); i++)
        {
            var listener = message.Listener;
            var bytes = message.Bytes.AsSpan(0, message.Length);
            if (message.Kind == WorkerMessageKind.Reply)
            {
                var refused = _replies.Send(listener, message.Route, bytes, now);
                if (refused is { } cause)
                    listener.Counters.Drop(cause);
                Tap?.ReplySent(listener, message.Packet, refused);
            }
            else if ((listener.IsClosed ? Observability.DropReason.ListenerGone
                : _path.Process(listener, bytes, message.Route.Endpoint, now, Clock.UnixMilliseconds)) is { } reason)
            {
                _path.Drop(listener, bytes, message.Route.Endpoint, reason);
            }

            ArrayPool<byte>.Shared.Return(message.Bytes);
        }
    }

    private void RunTimers()
    {
        var now = Clock.Now;
        foreach (var listener in _listeners)
        {
            foreach (var batcher in listener.Batchers)
            {
                if (_flushesAtOnce)
                    batcher.Flush();
                else
                    batcher.FlushIfDue(now);
            }

            if (listener.Engine is not { } engine)
                continue;
            while (engine.NextDeadline <= now && engine.TryTakeDue(now, _sendQueue.Next(listener.Socket, listener.Counters), out var length, out var endpoint))
                _sendQueue.Commit(length, endpoint);
            listener.Counters.ConfirmedPeers = engine.PeerCount;
            listener.Counters.HalfOpenPeers = engine.HalfOpenCount;
        }
    }

    /// <summary>Zero when work is known to be waiting; announces the wait first, so that a post after the check wakes it.</summary>
    private TimeSpan TimeToWait()
    {
        Interlocked.Exchange(ref _mayWait, 1);
        if (_stopping || !_inbox.IsEmpty || !_commands.IsEmpty)
            return TimeSpan.Zero;

        var deadline = TimeSpan.MaxValue;
        foreach (var listener in _listeners)
        {
            if (listener.Socket.IsReadable || !listener.Initiations.IsEmpty)
                return TimeSpan.Zero;
            foreach (var batcher in listener.Batchers)
                deadline = batcher.Deadline < deadline ? batcher.Deadline : deadline;
            if (listener.Engine is { } engine && engine.NextDeadline < deadline)
                deadline = engine.NextDeadline;
        }

        return deadline == TimeSpan.MaxValue ? TimeSpan.MaxValue : deadline - Clock.Now;
    }

    private void FailCommands()
    {
        while (_commands.TryDequeue(out var command))
            command.Done.TrySetException(new InvalidOperationException($"Worker {Index} has ended."));
    }

    private void WakeIfWaiting()
    {
        if (Interlocked.Exchange(ref _mayWait, 0) == 1)
            _poller.Wake();
    }

    private sealed record Command(Action Action, TaskCompletionSource Done)
    {
        /// <summary>What the action throws is its caller's, not the worker's.</summary>
        public void Run()
        {
            try
            {
                Action();
                Done.TrySetResult();
            }
            catch (Exception fault)
            {
                Done.TrySetException(fault);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Critical, "Worker {Index} ended by a defect; its clients are not served any more")]
        public static partial void Died(ILogger logger, Exception defect, int index);
    }
}
