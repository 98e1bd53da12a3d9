using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>Reads a request's body with a limit that does not depend on what the sender says about its length.</summary>
internal static class RequestBody
{
    /// <returns>The body, or null when it is longer than the limit; the rest is then unread.</returns>
    public static async Task<byte[]?> ReadAsync(HttpRequest request, long limit, CancellationToken cancellationToken)
    {
        if (request.ContentLength > limit) return null;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > limit) return null;
            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
