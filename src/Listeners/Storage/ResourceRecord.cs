using System.Text.Json.Serialization;

namespace UdpGateway.Listeners.Storage;

/// <summary>
/// What the store keeps of one custom resource. Holds no secret. The kind is the record's type: ids are unique among the
/// records of one kind only.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(ListenerRecord), "Listener")]
[JsonDerivedType(typeof(DestinationArnRecord), "DestinationArn")]
[JsonDerivedType(typeof(PacketSourceRecord), "PacketSource")]
[JsonDerivedType(typeof(FleetRecord), "Fleet")]
public abstract record ResourceRecord
{
    /// <summary>What CloudFormation knows the resource by.</summary>
    public required string PhysicalResourceId { get; init; }

    /// <summary>The stack and logical id that own the record.</summary>
    public required string StackId { get; init; }

    public required string LogicalResourceId { get; init; }

    /// <summary>RequestId of the event that made this record; what a failed Create undoes.</summary>
    public string CreatedByRequestId { get; init; } = string.Empty;

    /// <summary>Place of that event in the order of events: a Delete touches only what was made before it arrived.</summary>
    public long CreatedBySequence { get; init; }

    /// <summary>Whether CloudFormation has taken an answer that names this record, and so will delete it by its id.</summary>
    public bool Announced { get; init; }

    /// <summary>The id of the record that this one was made to replace; CloudFormation's Delete of it is not meant for this one.</summary>
    public string? ReplacedId { get; init; }

    /// <summary>RequestId of the newest CloudFormation event that wrote this record; older events stop.</summary>
    public required string RequestId { get; init; }

    /// <summary>Rises with every write; the expectation of a conditional write.</summary>
    public long Version { get; init; }
}
