using FluentValidation;

namespace UdpGateway.Listeners.Validation;

/// <summary>The rule of every pre-shared key: 32 bytes as base64, or a reference to a secret. No message repeats the key.</summary>
internal static class PresharedKeyRule
{
    private const string Right = "must be base64 of 32 bytes (`udpgw keys psk` makes one) or a {{resolve:secretsmanager:…}} reference";

    public static IRuleBuilderOptionsConditions<T, DeclaredKey?> MustBePresharedKey<T>(this IRuleBuilder<T, DeclaredKey?> rule) =>
        rule.Custom((declared, validation) =>
        {
            if (declared is not null && Judge(declared.Text) is var (code, sentence))
                validation.AddFailure(ListenerValidator.Failure(validation.PropertyPath, sentence, code));
        });

    private static (string Code, string Sentence)? Judge(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return ("preshared_key_empty", $"is empty, which would be no key at all; it {Right}");
        if (SecretReferenceText.LooksLikeReference(text))
            return SecretReferenceText.TryParse(text, out _, out var fault) ? null : ("preshared_key_reference", fault);
        return KeyText.TryParse(text, out _) switch
        {
            KeyTextFault.None => null,
            KeyTextFault.AllZero => ("preshared_key_zero", $"is the all-zero key, which is no key at all; it {Right}"),
            KeyTextFault.WrongLength => ("preshared_key_length", $"holds a number of bytes other than 32; it {Right}"),
            _ => ("preshared_key_base64", $"is not base64; it {Right}"),
        };
    }
}
