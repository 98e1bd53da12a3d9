using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace UdpGateway.Aws;

/// <summary>A call in AWS's query protocol; the class's name is the action's.</summary>
internal abstract class AwsQueryRequest : AwsRequest
{
    /// <param name="version">Of the API.</param>
    /// <param name="parameters">Those without a value are left out.</param>
    protected AwsQueryRequest(string version, params IEnumerable<(string Name, string? Value)> parameters)
    {
        Headers = [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
        Body = AwsQuery.Form(GetType().Name, version, parameters);
    }
}

/// <summary>What the services of AWS's query protocols have in common: a form goes, XML comes.</summary>
internal static class AwsQuery
{
    public static byte[] Form(string action, string version, IEnumerable<(string Name, string? Value)> parameters)
    {
        var form = new StringBuilder("Action=").Append(action).Append("&Version=").Append(version);
        foreach (var (name, value) in parameters)
        {
            if (value is not null)
                form.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }

        return Encoding.ASCII.GetBytes(form.ToString());
    }

    /// <exception cref="AwsServiceException">The service, or something before it, answered what is no XML.</exception>
    public static XElement Parse(AwsResponse response, string operation)
    {
        try
        {
            return Load(response.Body);
        }
        catch (XmlException exception)
        {
            throw new AwsServiceException(AwsFailure.ServiceFault, $"{operation} answered what is no XML", exception);
        }
    }

    /// <summary>What an error document says, where the transport did not find it; null for what is none, such as a proxy's page.</summary>
    public static (string Code, string Message)? ReadError(ReadOnlyMemory<byte> body)
    {
        try
        {
            var error = body.IsEmpty ? null : Load(body).DescendantsAndSelf().FirstOrDefault(element => element.Name.LocalName == "Error");
            return error is null ? null : (Text(error, "Code") ?? string.Empty, Text(error, "Message") ?? string.Empty);
        }
        catch (XmlException)
        {
            return null;
        }
    }

    /// <summary>The members of the list with this name, wherever in the answer it is.</summary>
    public static IEnumerable<XElement> Members(XElement answer, string list) => answer.DescendantsAndSelf()
        .Where(element => element.Name.LocalName == list)
        .Take(1)
        .SelectMany(element => element.Elements());

    /// <summary>Numbers a list of strings, or of structures whose members <paramref name="fields"/> gives, as the protocol does: <c>List.member.1</c>.</summary>
    public static IEnumerable<(string Name, string? Value)> List<T>(string prefix, IEnumerable<T> items, Func<T, IEnumerable<(string Name, string? Value)>> fields) =>
        items.Index().SelectMany(entry => fields(entry.Item).Select(field => ($"{prefix}.{entry.Index + 1}{(field.Name.Length > 0 ? "." : "")}{field.Name}", field.Value)));

    public static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>0 for what is no number.</summary>
    public static int ReadNumber(string? text) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>The text of the member of this structure, null where it is absent or empty.</summary>
    public static string? Text(XElement structure, string name) =>
        Child(structure, name)?.Value is { Length: > 0 } text ? text : null;

    public static XElement? Child(XElement structure, string name) => structure.Elements().FirstOrDefault(element => element.Name.LocalName == name);

    private static XElement Load(ReadOnlyMemory<byte> body)
    {
        using var reader = XmlReader.Create(new MemoryStream(body.ToArray()), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
        return XElement.Load(reader);
    }
}
