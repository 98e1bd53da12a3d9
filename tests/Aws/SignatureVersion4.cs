using System.Security.Cryptography;
using System.Text;

namespace UdpGateway.Aws.Tests;

/// <summary>
/// The receiving side of SigV4, written from the IAM User Guide, "Create a signed AWS API request", so that the SDK does not vouch for itself.
/// </summary>
internal static class SignatureVersion4
{
    /// <summary>The value that the request's Authorization header should have; the request has no query.</summary>
    public static string Authorization(ReceivedRequest request, string accessKeyId, string secretAccessKey, string region, string service)
    {
        var authorization = request.Headers["Authorization"];
        var signedHeaders = authorization.Split("SignedHeaders=")[1].Split(',')[0];
        var timestamp = request.Headers["X-Amz-Date"];
        var scope = $"{timestamp[..8]}/{region}/{service}/aws4_request";

        // The path as sent is encoded once more; only S3 is signed otherwise.
        var path = string.Join('/', request.RawTarget.Split('/').Select(Uri.EscapeDataString));
        var headers = string.Concat(signedHeaders.Split(';').Select(name => $"{name}:{request.Headers[name].Trim()}\n"));
        var canonicalRequest = $"{request.Method}\n{path}\n\n{headers}\n{signedHeaders}\n{Hex(SHA256.HashData(request.Body))}";
        var stringToSign = $"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalRequest)))}";

        var key = Encoding.UTF8.GetBytes("AWS4" + secretAccessKey);
        foreach (var part in scope.Split('/'))
            key = Hmac(key, part);
        return $"AWS4-HMAC-SHA256 Credential={accessKeyId}/{scope}, SignedHeaders={signedHeaders}, Signature={Hex(Hmac(key, stringToSign))}";
    }

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
