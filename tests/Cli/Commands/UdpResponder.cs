using System.Net;
using System.Net.Sockets;

namespace UdpGateway.Cli.Tests.Commands;

/// <summary>A peer on loopback that answers each datagram with whatever its function makes of it.</summary>
internal sealed class UdpResponder : IAsyncDisposable
{
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="answer">Gives the replies, none for silence.</param>
    public UdpResponder(Func<byte[], IPEndPoint, IEnumerable<byte[]>> answer) => _loop = RunAsync(answer);

    public string Endpoint => _socket.Client.LocalEndPoint!.ToString()!;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync(Func<byte[], IPEndPoint, IEnumerable<byte[]>> answer)
    {
        try
        {
            while (true)
            {
                var datagram = await _socket.ReceiveAsync(_stop.Token);
                foreach (var reply in answer(datagram.Buffer, datagram.RemoteEndPoint))
                    await _socket.SendAsync(reply, datagram.RemoteEndPoint, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }
}
