using System.Reflection;
using UdpGateway.WireGuard.Crypto;
using Xunit.Sdk;

namespace UdpGateway.WireGuard.Tests.Crypto;

/// <summary>
/// Tests in which the cryptography matters take the backend's name; the two attributes below are their data. The others
/// run on the <see cref="Best"/> one.
/// </summary>
internal static class TestBackends
{
    public const string OpenSsl = "openssl";
    public const string Portable = "portable";

    public static string Best => CryptoBackends.IsOpenSslAvailable ? OpenSsl : Portable;

    /// <summary>For theories with further data: the backends of this machine, and in CI both in any case.</summary>
    public static string[] Names => CryptoBackends.IsOpenSslAvailable || IsCI ? [OpenSsl, Portable] : [Portable];

    public static bool IsCI => string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.Ordinal);

    public static ICryptoBackend Create(string name) => name switch
    {
        OpenSsl => new OpenSslCryptoBackend(),
        Portable => new PortableCryptoBackend(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such backend."),
    };
}

/// <summary>Runs a theory on the OpenSSL backend. Skipped where there is no OpenSSL 3, but never in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OnOpenSslAttribute : DataAttribute
{
    public OnOpenSslAttribute()
    {
        if (!CryptoBackends.IsOpenSslAvailable && !TestBackends.IsCI)
            Skip = "OpenSSL 3 (libcrypto) does not load here.";
    }

    // The console lists skipped tests by name only, and the argument is part of it.
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[Skip is null ? TestBackends.OpenSsl : $"{TestBackends.OpenSsl}: {Skip}"]];
}

/// <summary>Runs a theory on the portable backend.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OnPortableAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[TestBackends.Portable]];
}
