using System.Text.Json.Serialization;

namespace UdpGateway.Listeners;

/// <summary>Where a 32-byte pre-shared key is read from. It names a secret and never holds one.</summary>
[JsonDerivedType(typeof(ListenerSecretField), "field")]
[JsonDerivedType(typeof(SecretReference), "reference")]
public abstract record KeySource;

/// <summary>A literal key of the template, kept under <paramref name="Field"/> in the listener's own JSON secret.</summary>
public sealed record ListenerSecretField(string Field) : KeySource;

/// <summary>
/// A <c>{{resolve:secretsmanager:…}}</c> reference that CloudFormation handed over as text.
/// It stays a reference: the gateway reads the secret itself.
/// </summary>
/// <param name="SecretId">Name or ARN.</param>
/// <param name="JsonKey">Key within a JSON secret; null takes the whole SecretString.</param>
/// <param name="VersionStage">Null means AWSCURRENT, unless a version id pins it.</param>
/// <param name="VersionId">Pinned version.</param>
public sealed record SecretReference(string SecretId, string? JsonKey = null, string? VersionStage = null, string? VersionId = null) : KeySource;
