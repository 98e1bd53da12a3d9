using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace UdpGateway.Provider.CloudFormation;

/// <summary>What CloudFormation is told: success with attributes, or failure with the reason.</summary>
/// <param name="PhysicalResourceId">Never empty; another one than the event's means a replacement.</param>
/// <param name="Reason">Null on success.</param>
/// <param name="WriteData">Writes the properties of the Data object.</param>
internal sealed record CustomResourceAnswer(string PhysicalResourceId, string? Reason, Action<Utf8JsonWriter>? WriteData)
{
    /// <summary>Of the whole body, inclusive. Source: CloudFormation User Guide, "Custom resource response objects".</summary>
    public const int MaxBodySize = 4096;

    /// <summary>Of a physical resource id. Source: as above, "PhysicalResourceId".</summary>
    private const int MaxIdSize = 1024;

    private const string CutMark = " … (cut; the provider's log has all)";

    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public bool Succeeded => Reason is null;

    public static CustomResourceAnswer Success(string physicalResourceId, Action<Utf8JsonWriter>? writeData = null) => new(physicalResourceId, null, writeData);

    public static CustomResourceAnswer Failure(string physicalResourceId, string reason) =>
        new(physicalResourceId, string.IsNullOrWhiteSpace(reason) ? "The request failed without a reason." : reason, null);

    /// <summary>The id of a Create that failed: no resource's, and another for each, so that its Delete tells what it means.</summary>
    public static string FailedCreateId(string requestId) => $"failed-{requestId}";

    /// <summary>
    /// The event's own id, by which CloudFormation knows the resource. The answer to a failed Create must bring one too, whose Delete means what that
    /// Create left; so must that to an event whose id is longer than CloudFormation permits.
    /// </summary>
    public static string EchoedId(CustomResourceEvent request) =>
        request.PhysicalResourceId.Length > 0 && Encoding.UTF8.GetByteCount(request.PhysicalResourceId) <= MaxIdSize && LeavesRoom(request, request.PhysicalResourceId)
            ? request.PhysicalResourceId
            : FailedCreateId(request.Key.RequestId);

    /// <summary>Whether what must be repeated verbatim leaves room for an answer.</summary>
    public static bool IsPossible(CustomResourceEvent request) => LeavesRoom(request, FailedCreateId(request.Key.RequestId));

    /// <summary>Whether the body fits as it is; a success that does not must become a failure.</summary>
    public bool Fits(CustomResourceEvent request) => Write(request, Reason).Length <= MaxBodySize;

    /// <summary>The body to send; a Reason that is too long is cut.</summary>
    public byte[] ToBody(CustomResourceEvent request)
    {
        var body = Write(request, Reason);
        if (body.Length <= MaxBodySize || Reason is null)
            return body;

        // Escaping makes the length in bytes hard to foresee, so the longest fitting part is searched for.
        var (fits, tooLong) = (0, Reason.Length);
        while (tooLong - fits > 1)
        {
            var middle = (fits + tooLong) / 2;
            if (Write(request, Cut(middle)).Length <= MaxBodySize)
                fits = middle;
            else
                tooLong = middle;
        }

        return Write(request, Cut(fits));

        string Cut(int length) => Reason[..(length > 0 && char.IsHighSurrogate(Reason[length - 1]) ? length - 1 : length)] + CutMark;
    }

    private static bool LeavesRoom(CustomResourceEvent request, string id) => Failure(id, CutMark).Fits(request);

    private byte[] Write(CustomResourceEvent request, string? reason)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("Status", reason is null ? "SUCCESS" : "FAILED");
            if (reason is not null)
                json.WriteString(nameof(Reason), reason);
            json.WriteString(nameof(PhysicalResourceId), PhysicalResourceId);
            json.WriteString("StackId", request.StackId);
            json.WriteString("RequestId", request.Key.RequestId);
            json.WriteString("LogicalResourceId", request.LogicalResourceId);
            if (WriteData is not null)
            {
                json.WriteStartObject("Data");
                WriteData(json);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
