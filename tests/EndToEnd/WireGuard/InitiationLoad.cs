using System.Net;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>
/// Valid initiations of keys that nobody has seen, made in advance and sent until disposed: more than the share of a
/// worker's time that handshakes may take.
/// </summary>
internal sealed class InitiationLoad : IAsyncDisposable
{
    private const int Prepared = 600;
    private const int PerMillisecond = 40;

    private readonly CancellationTokenSource _stop = new();
    private readonly OuterSocket _socket;
    private readonly Task _sending;

    /// <param name="source">An address that only the load uses.</param>
    public InitiationLoad(IPEndPoint gateway, string serverPublicKey, string source)
    {
        _socket = new OuterSocket(gateway, source);
        var initiations = new List<byte[]>();
        for (var i = 0; i < Prepared; i++)
        {
            using var stranger = new HandDrivenClient(serverPublicKey);
            initiations.Add(stranger.Initiate());
        }

        _sending = Task.Run(() => SendAsync(initiations));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _sending;
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task SendAsync(List<byte[]> initiations)
    {
        for (var next = 0; !_stop.IsCancellationRequested; next += PerMillisecond)
        {
            for (var i = 0; i < PerMillisecond; i++)
                _socket.Send(initiations[(next + i) % initiations.Count]);
            await Task.Delay(1, CancellationToken.None);
        }
    }
}
