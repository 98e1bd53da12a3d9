namespace UdpGateway.Gateway;

/// <summary>
/// <c>--health</c>: the gateway's own image asks the gateway in it, since it has no other program. Exit code 0 when healthy, else 1.
/// </summary>
internal static class HealthCheck
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    public static async Task<int> RunAsync(int adminPort, TextWriter output)
    {
        using var http = new HttpClient { Timeout = Timeout };
        try
        {
            using var response = await http.GetAsync(new Uri($"http://127.0.0.1:{adminPort}/healthz"));
            await output.WriteLineAsync((await response.Content.ReadAsStringAsync()).TrimEnd());
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            await output.WriteLineAsync($"The gateway does not answer on port {adminPort}: {fault.Message}");
            return 1;
        }
    }
}
