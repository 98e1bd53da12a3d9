using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>A client of a plain UDP listener on 127.0.0.1.</summary>
internal sealed class UdpTestClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly IPEndPoint _gateway;

    public UdpTestClient(int port)
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _gateway = new IPEndPoint(IPAddress.Loopback, port);
    }

    public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    public bool HasReply => _socket.Poll(0, SelectMode.SelectRead);

    public void Send(string text) => Send(Encoding.ASCII.GetBytes(text));

    public void Send(ReadOnlySpan<byte> payload) => _socket.SendTo(payload, SocketFlags.None, _gateway);

    public async Task<byte[]> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        var buffer = new byte[65_536];
        var received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, _gateway, patience.Token);
        return buffer[..received.ReceivedBytes];
    }

    public async Task<string> ReceiveTextAsync() => Encoding.UTF8.GetString(await ReceiveAsync());

    /// <summary>Sends and waits for the answer.</summary>
    public async Task<byte[]> ExchangeAsync(string text)
    {
        Send(text);
        return await ReceiveAsync();
    }

    public void Dispose() => _socket.Dispose();
}
