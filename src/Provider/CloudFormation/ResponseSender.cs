using Microsoft.Extensions.Logging;

namespace UdpGateway.Provider.CloudFormation;

/// <summary>
/// PUTs an answer to S3 as its presigned URL demands: no Content-Type, a Content-Length, no redirect. Anything but
/// 2xx is a failure and is tried again until the deadline. The URL never appears in a log or an exception.
/// </summary>
internal sealed partial class ResponseSender(HttpClient client, TimeProvider time, ILogger logger)
{
    private const int MaxAttempts = 10;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestAttempt = TimeSpan.FromSeconds(10);

    /// <summary>False when the answer could not be delivered before the deadline.</summary>
    public async Task<bool> TrySendAsync(Uri url, ReadOnlyMemory<byte> body, DateTimeOffset deadline)
    {
        var pause = FirstPause;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var left = deadline - time.GetUtcNow();
            // A deadline that has passed still gets one quick attempt: a late answer is better than none.
            if (left <= TimeSpan.Zero && attempt > 1)
                break;
            var limit = left <= TimeSpan.Zero ? TimeSpan.FromSeconds(1) : left < LongestAttempt ? left : LongestAttempt;
            if (await TryOnceAsync(url, body, attempt, limit))
                return true;
            if (attempt == MaxAttempts || time.GetUtcNow() + pause >= deadline)
                break;
            await Task.Delay(pause, time);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        return false;
    }

    private async Task<bool> TryOnceAsync(Uri url, ReadOnlyMemory<byte> body, int attempt, TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        try
        {
            // A content of bytes has no Content-Type; a string content has one, and S3 then refuses the signature.
            using var content = new ReadOnlyMemoryContent(body);
            content.Headers.ContentLength = body.Length;
            using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = content };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            if (response.RequestMessage?.RequestUri == url && response.IsSuccessStatusCode)
                return true;
            Log.Refused(logger, attempt, (int)response.StatusCode);
        }
        catch (HttpRequestException exception)
        {
            Log.Unreachable(logger, attempt, exception.HttpRequestError);
        }
        catch (OperationCanceledException)
        {
            Log.TimedOut(logger, attempt);
        }

        return false;
    }

    private static partial class Log
    {
        [LoggerMessage(2101, LogLevel.Warning, "The answer to CloudFormation was refused with HTTP status {Status} (attempt {Attempt}).")]
        public static partial void Refused(ILogger logger, int attempt, int status);

        [LoggerMessage(2102, LogLevel.Warning, "The answer to CloudFormation could not be sent: {Error} (attempt {Attempt}).")]
        public static partial void Unreachable(ILogger logger, int attempt, HttpRequestError error);

        [LoggerMessage(2103, LogLevel.Warning, "The answer to CloudFormation was not taken in time (attempt {Attempt}).")]
        public static partial void TimedOut(ILogger logger, int attempt);
    }
}
