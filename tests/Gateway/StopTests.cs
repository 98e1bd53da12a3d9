using System.Diagnostics;
using System.Net;
using System.Text;
using UdpGateway.Gateway.Tests.TestDoubles;

namespace UdpGateway.Gateway.Tests;

public sealed class StopTests
{
    [Fact]
    public async Task Delivers_open_batches_and_waits_for_their_replies()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = async messages =>
        {
            await Task.Delay(200);
            return RecordingLambda.Echo(messages);
        };
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination(count: 1000)));
        using var client = new UdpTestClient(record.Port);
        client.Send("last words");
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_packets_received_total{listener="test"}""") == 1, "the packet was received");

        await gateway.Host.StopAsync();

        Assert.Equal("last words", await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task Does_not_wait_longer_than_the_flush_time()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { FlushTime = TimeSpan.FromMilliseconds(300) });
        gateway.Lambda().Handler = _ => new TaskCompletionSource<Aws.InvokeResponse>().Task;
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);
        client.Send("x");
        await gateway.Lambda().WaitForPacketsAsync(1);
        var clock = Stopwatch.StartNew();

        await gateway.Host.StopAsync();

        Assert.True(clock.Elapsed < Eventually.Patience / 2);
    }

    [Fact]
    public async Task Readiness_fails_while_it_still_serves()
    {
        var released = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.Lambda().Handler = async messages =>
        {
            await released.Task;
            return RecordingLambda.Echo(messages);
        };
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);
        client.Send("1");
        await gateway.Lambda().WaitForPacketsAsync(1);

        var stopping = gateway.Host.StopAsync();
        await Eventually.TrueAsync(async () => !(await gateway.GetAsync("/readyz")).IsSuccessStatusCode, "readiness fails");
        Assert.True((await gateway.GetAsync("/livez")).IsSuccessStatusCode);
        client.Send("2");
        await gateway.Lambda().WaitForPacketsAsync(2);
        released.SetResult();
        await stopping;

        Assert.Equal(["1", "2"], new[] { await client.ReceiveTextAsync(), await client.ReceiveTextAsync() }.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Serves_new_packets_and_changes_while_it_drains()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { DrainTime = TimeSpan.FromSeconds(3) });
        var record = await gateway.ServeAsync(TestGateway.Udp());
        using var client = new UdpTestClient(record.Port);

        var stopping = gateway.Host.StopAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.GetAsync("/readyz/test")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/healthz")).StatusCode);
        Assert.Equal("while it drains", Encoding.ASCII.GetString(await client.ExchangeAsync("while it drains")));
        await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination("Other")));
        Assert.Equal("changed", Encoding.ASCII.GetString(await client.ExchangeAsync("changed")));
        Assert.Single(gateway.Lambda("Other").Packets);
        Assert.False(stopping.IsCompleted);
        await stopping;
    }

    [Fact]
    public async Task Does_not_drain_for_nobody()
    {
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { DrainTime = TimeSpan.FromMinutes(10) });

        await gateway.Host.StopAsync().WaitAsync(Eventually.Patience);
    }
}
