using FluentValidation;

namespace UdpGateway.Listeners.Validation;

internal sealed class ClientRestrictionsValidator : AbstractValidator<ClientRestrictionsDeclaration>
{
    public ClientRestrictionsValidator()
    {
        RuleFor(restrictions => restrictions.Networks).Custom((networks, validation) => RequireNetworks(networks, validation, "client_network"));
        RuleFor(restrictions => restrictions.Domains).Custom(RequireDomains);
    }

    private static void RequireDomains(IReadOnlyList<(string Path, string Text)> domains, ValidationContext<ClientRestrictionsDeclaration> validation)
    {
        foreach (var (path, text) in domains)
        {
            if (!DomainText.TryParse(text, out _))
                validation.AddFailure(ListenerValidator.Failure(path, "must be a host name such as client.example.com, or *.example.com for every name below it; Client Policy Framework records are not supported", "client_domain", text));
        }
    }

    internal static void RequireNetworks<T>(IReadOnlyList<(string Path, string Text)> networks, ValidationContext<T> validation, string code)
    {
        foreach (var (path, text) in networks)
        {
            if (!NetworkText.TryParse(text, out _))
                validation.AddFailure(ListenerValidator.Failure(path, "must be a CIDR block such as 192.0.2.0/24 or 2001:db8::/32", code, text));
        }
    }
}
