using System.Net;
using System.Net.Http.Headers;
using System.Text;
using UdpGateway.Cli.LocalStack;

namespace UdpGateway.Cli.Tests.LocalStack;

public sealed class ResponseEndpointTests : IAsyncLifetime, IDisposable
{
    private readonly HttpClient _client = new();
    private ResponseEndpoint _endpoint = null!;

    public async Task InitializeAsync() => _endpoint = await ResponseEndpoint.StartAsync(CancellationToken.None);

    public async Task DisposeAsync() => await _endpoint.DisposeAsync();

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Takes_an_answer_once()
    {
        var (url, answer) = _endpoint.Expect();

        var first = await PutAsync(url, "one");
        var second = await PutAsync(url, "two");

        Assert.Equal(HttpStatusCode.OK, first);
        Assert.Equal(HttpStatusCode.Forbidden, second);
        Assert.Equal("one", Encoding.UTF8.GetString(await answer));
    }

    [Fact]
    public async Task Refuses_a_content_type_as_a_broken_signature()
    {
        var (url, answer) = _endpoint.Expect();

        var status = await PutAsync(url, "{}", content => content.Headers.ContentType = new MediaTypeHeaderValue("application/json"));

        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.False(answer.IsCompleted);
    }

    [Fact]
    public async Task Refuses_a_chunked_body()
    {
        var (url, answer) = _endpoint.Expect();
        using var content = new StreamContent(new UnsizedStream(Encoding.UTF8.GetBytes("{}")));
        using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = content };
        request.Headers.TransferEncodingChunked = true;

        using var response = await _client.SendAsync(request);

        Assert.Equal(HttpStatusCode.LengthRequired, response.StatusCode);
        Assert.False(answer.IsCompleted);
    }

    [Fact]
    public async Task Refuses_another_method_and_an_unknown_path()
    {
        var (url, answer) = _endpoint.Expect();
        using var content = new ByteArrayContent([]);

        using var posted = await _client.PostAsync(url, content);
        var elsewhere = await PutAsync(new Uri(url, "/guessed"), "{}");

        Assert.Equal(HttpStatusCode.Forbidden, posted.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, elsewhere);
        Assert.False(answer.IsCompleted);
    }

    private async Task<HttpStatusCode> PutAsync(Uri url, string body, Action<HttpContent>? change = null)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        change?.Invoke(content);
        using var response = await _client.PutAsync(url, content);
        return response.StatusCode;
    }

    private sealed class UnsizedStream(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;
    }
}
