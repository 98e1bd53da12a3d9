namespace UdpGateway.Listeners.Tests.Secrets;

public sealed class SecretReferenceTextTests
{
    private const string Arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:fleet/key-a1b2c3";

    [Theory]
    [InlineData("{{resolve:secretsmanager:key}}", "key", null, null, null)]
    [InlineData("{{resolve:secretsmanager:key:SecretString}}", "key", null, null, null)]
    [InlineData("{{resolve:secretsmanager:key:SecretString:::}}", "key", null, null, null)]
    [InlineData("{{resolve:secretsmanager:key::::}}", "key", null, null, null)]
    [InlineData("{{resolve:secretsmanager:fleet/key:SecretString:psk}}", "fleet/key", "psk", null, null)]
    [InlineData("{{resolve:secretsmanager:key:SecretString:psk:AWSPREVIOUS}}", "key", "psk", "AWSPREVIOUS", null)]
    [InlineData("{{resolve:secretsmanager:key:SecretString:psk::EXAMPLE1-90ab}}", "key", "psk", null, "EXAMPLE1-90ab")]
    [InlineData("{{resolve:secretsmanager:" + Arn + "}}", Arn, null, null, null)]
    [InlineData("{{resolve:secretsmanager:" + Arn + ":SecretString:psk::v}}", Arn, "psk", null, "v")]
    [InlineData(" {{resolve:secretsmanager:key}}\n", "key", null, null, null)]
    public void Reads_every_form(string text, string secretId, string? jsonKey, string? versionStage, string? versionId)
    {
        Assert.True(SecretReferenceText.TryParse(text, out var reference, out _));
        Assert.Equal(new SecretReference(secretId, jsonKey, versionStage, versionId), reference);
    }

    [Theory]
    [InlineData("{{resolve:ssm:key}}", "cannot be read with {{resolve:ssm:…}}")]
    [InlineData("{{resolve:ssm-secure:key:1}}", "cannot be read with {{resolve:ssm-secure:…}}")]
    [InlineData("{{resolve:vault:key}}", "no other kind of dynamic reference")]
    [InlineData("{{resolve:secretsmanager:key}} and more", "exactly one reference")]
    [InlineData("{{resolve:secretsmanager:}}", "exactly one reference")]
    [InlineData("{{resolve:secretsmanager:key:SecretBinary}}", "SecretString")]
    [InlineData("{{resolve:secretsmanager:key:SecretString:a:b:c:d}}", "must have the form")]
    [InlineData("{{resolve:secretsmanager:key:SecretString:a:AWSCURRENT:v}}", "not both")]
    [InlineData("{{resolve:secretsmanager:arn:aws:sqs:us-west-2:123456789012:secret:x}}", "by its name or by its full ARN")]
    [InlineData("{{resolve:secretsmanager:arn:aws}}", "must have the form")]
    [InlineData("{{resolve:secretsmanager:white space}}", "by its name or by its full ARN")]
    [InlineData("{{", "exactly one reference")]
    public void Refuses_with_a_sentence(string text, string part)
    {
        Assert.False(SecretReferenceText.TryParse(text, out _, out var fault));
        Assert.Contains(part, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_overlong_text_quickly() =>
        Assert.False(SecretReferenceText.TryParse("{{resolve:secretsmanager:" + new string('a', 1_000_000) + "}}", out _, out _));
}
