using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace UdpGateway.Cli.Templates;

/// <summary>
/// What <c>Ref</c> and <c>Fn::GetAtt</c> give for resources that are not run: plausible values with the shape of the real
/// ones, the same at every start because they derive from the StackId and the logical id.
/// </summary>
internal sealed class ResourceValues(TemplateSettings settings)
{
    private static readonly string[] ListenerAttributes =
        ["Id", "Domain", "Port", "DestinationNames", "WireGuardPublicKey", "DtlsServerCertificate", "Endpoint", "Fqdn"];

    /// <summary>
    /// In the texts, {r} is the region, {a} the account, {n} the name (the property <c>Name</c>, or generated), {i} an
    /// identifier of hexadecimal digits. Attributes are <c>Name=text</c>, separated by spaces.
    /// </summary>
    private sealed record Shape(string NameProperty, string Ref, string Attributes)
    {
        /// <summary>Whether the listed attributes are all that the type has.</summary>
        public bool IsComplete { get; init; }
    }

    private static readonly Dictionary<string, Shape> Shapes = new()
    {
        ["AWS::ApiGateway::Resource"] = new("", "{i:6}", "ResourceId={i:6}"),
        ["AWS::ApiGateway::RestApi"] = new("", "{i:10}", "RootResourceId={i:6} RestApiId={i:10}"),
        ["AWS::ApiGateway::Stage"] = new("StageName", "{n}", ""),
        ["AWS::ApiGatewayV2::Api"] = new("", "{i:10}", "ApiId={i:10} ApiEndpoint=https://{i:10}.execute-api.{r}.amazonaws.com"),
        ["AWS::CertificateManager::Certificate"] = new("", "arn:aws:acm:{r}:{a}:certificate/{u}", ""),
        ["AWS::DynamoDB::GlobalTable"] = new("TableName", "{n}", "Arn=arn:aws:dynamodb:{r}:{a}:table/{n} TableId={u} StreamArn=arn:aws:dynamodb:{r}:{a}:table/{n}/stream/2026-01-01T00:00:00.000"),
        ["AWS::DynamoDB::Table"] = new("TableName", "{n}", "Arn=arn:aws:dynamodb:{r}:{a}:table/{n} StreamArn=arn:aws:dynamodb:{r}:{a}:table/{n}/stream/2026-01-01T00:00:00.000"),
        ["AWS::EC2::EIP"] = new("", "203.0.113.10", "AllocationId=eipalloc-{i:17} PublicIp=203.0.113.10"),
        ["AWS::EC2::Instance"] = new("", "i-{i:17}", "InstanceId=i-{i:17} PrivateIp=10.0.0.10 PublicIp=203.0.113.10 AvailabilityZone={r}a"),
        ["AWS::EC2::InternetGateway"] = new("", "igw-{i:17}", "InternetGatewayId=igw-{i:17}"),
        ["AWS::EC2::RouteTable"] = new("", "rtb-{i:17}", "RouteTableId=rtb-{i:17}"),
        ["AWS::EC2::SecurityGroup"] = new("", "sg-{i:17}", "GroupId=sg-{i:17} Id=sg-{i:17} VpcId=vpc-{i:17}"),
        ["AWS::EC2::Subnet"] = new("", "subnet-{i:17}", "SubnetId=subnet-{i:17} VpcId=vpc-{i:17} AvailabilityZone={r}a"),
        ["AWS::EC2::VPC"] = new("", "vpc-{i:17}", "VpcId=vpc-{i:17} CidrBlock=10.0.0.0/16 DefaultSecurityGroup=sg-{i:17}"),
        ["AWS::ECR::Repository"] = new("RepositoryName", "{l}", "Arn=arn:aws:ecr:{r}:{a}:repository/{l} RepositoryUri={a}.dkr.ecr.{r}.amazonaws.com/{l}"),
        ["AWS::ECS::Cluster"] = new("ClusterName", "{n}", "Arn=arn:aws:ecs:{r}:{a}:cluster/{n}"),
        ["AWS::Events::EventBus"] = new("Name", "{n}", "Arn=arn:aws:events:{r}:{a}:event-bus/{n} Name={n}"),
        ["AWS::Events::Rule"] = new("Name", "{n}", "Arn=arn:aws:events:{r}:{a}:rule/{n}"),
        ["AWS::IAM::Group"] = new("GroupName", "{n}", "Arn=arn:aws:iam::{a}:group/{n}"),
        ["AWS::IAM::InstanceProfile"] = new("InstanceProfileName", "{n}", "Arn=arn:aws:iam::{a}:instance-profile/{n}"),
        ["AWS::IAM::ManagedPolicy"] = new("ManagedPolicyName", "arn:aws:iam::{a}:policy/{n}", "PolicyArn=arn:aws:iam::{a}:policy/{n}"),
        ["AWS::IAM::Role"] = new("RoleName", "{n}", "Arn=arn:aws:iam::{a}:role/{n} RoleId=AROA{k}") { IsComplete = true },
        ["AWS::IAM::User"] = new("UserName", "{n}", "Arn=arn:aws:iam::{a}:user/{n}"),
        ["AWS::IoT::TopicRule"] = new("RuleName", "{n}", "Arn=arn:aws:iot:{r}:{a}:rule/{n}"),
        ["AWS::KMS::Key"] = new("", "{u}", "Arn=arn:aws:kms:{r}:{a}:key/{u} KeyId={u}"),
        ["AWS::Kinesis::Stream"] = new("Name", "{n}", "Arn=arn:aws:kinesis:{r}:{a}:stream/{n}"),
        ["AWS::KinesisFirehose::DeliveryStream"] = new("DeliveryStreamName", "{n}", "Arn=arn:aws:firehose:{r}:{a}:deliverystream/{n}"),
        ["AWS::Lambda::Alias"] = new("Name", "arn:aws:lambda:{r}:{a}:function:{n}:live", ""),
        ["AWS::Lambda::EventSourceMapping"] = new("", "{u}", "Id={u}"),
        ["AWS::Lambda::Function"] = new("FunctionName", "{n}", "Arn=arn:aws:lambda:{r}:{a}:function:{n} SnapStartResponse.ApplyOn=None SnapStartResponse.OptimizationStatus=Off") { IsComplete = true },
        ["AWS::Lambda::LayerVersion"] = new("LayerName", "arn:aws:lambda:{r}:{a}:layer:{n}:1", "LayerVersionArn=arn:aws:lambda:{r}:{a}:layer:{n}:1"),
        ["AWS::Lambda::Url"] = new("", "arn:aws:lambda:{r}:{a}:function:{n}", "FunctionUrl=https://{i:32}.lambda-url.{r}.on.aws/ FunctionArn=arn:aws:lambda:{r}:{a}:function:{n}"),
        ["AWS::Lambda::Version"] = new("", "arn:aws:lambda:{r}:{a}:function:{n}:1", "Version=1 FunctionArn=arn:aws:lambda:{r}:{a}:function:{n}:1"),
        ["AWS::Location::Tracker"] = new("TrackerName", "{n}", "Arn=arn:aws:geo:{r}:{a}:tracker/{n} TrackerArn=arn:aws:geo:{r}:{a}:tracker/{n}"),
        ["AWS::Logs::LogGroup"] = new("LogGroupName", "{n}", "Arn=arn:aws:logs:{r}:{a}:log-group:{n}:*"),
        ["AWS::S3::Bucket"] = new("BucketName", "{l}", "Arn=arn:aws:s3:::{l} DomainName={l}.s3.amazonaws.com RegionalDomainName={l}.s3.{r}.amazonaws.com WebsiteURL=http://{l}.s3-website-{r}.amazonaws.com"),
        ["AWS::SNS::Topic"] = new("TopicName", "arn:aws:sns:{r}:{a}:{n}", "TopicArn=arn:aws:sns:{r}:{a}:{n} TopicName={n}"),
        ["AWS::SQS::Queue"] = new("QueueName", "https://sqs.{r}.amazonaws.com/{a}/{n}", "Arn=arn:aws:sqs:{r}:{a}:{n} QueueName={n} QueueUrl=https://sqs.{r}.amazonaws.com/{a}/{n}"),
        ["AWS::SSM::Parameter"] = new("Name", "{n}", ""),
        ["AWS::SecretsManager::Secret"] = new("Name", "arn:aws:secretsmanager:{r}:{a}:secret:{n}-{i:6}", "Id=arn:aws:secretsmanager:{r}:{a}:secret:{n}-{i:6}"),
        ["AWS::Serverless::Api"] = new("", "{i:10}", "RootResourceId={i:6} Stage={n}"),
        ["AWS::Serverless::HttpApi"] = new("", "{i:10}", "ApiEndpoint=https://{i:10}.execute-api.{r}.amazonaws.com"),
        ["AWS::Serverless::SimpleTable"] = new("TableName", "{n}", "Arn=arn:aws:dynamodb:{r}:{a}:table/{n}"),
        ["AWS::Serverless::StateMachine"] = new("Name", "arn:aws:states:{r}:{a}:stateMachine:{n}", "Arn=arn:aws:states:{r}:{a}:stateMachine:{n} Name={n}"),
        ["AWS::StepFunctions::StateMachine"] = new("StateMachineName", "arn:aws:states:{r}:{a}:stateMachine:{n}", "Arn=arn:aws:states:{r}:{a}:stateMachine:{n} Name={n}"),
    };

    private static readonly Shape ServerlessFunction = Shapes["AWS::Lambda::Function"] with { Attributes = Shapes["AWS::Lambda::Function"].Attributes + " Version=arn:aws:lambda:{r}:{a}:function:{n}:1 Alias=arn:aws:lambda:{r}:{a}:function:{n}:live" };

    public static IEnumerable<string> KnownAttributes(string type) =>
        ShapeOf(type) is { } shape ? shape.Attributes.Split(' ').Select(attribute => attribute.Split('=')[0]) : ListenerAttributes;

    /// <param name="property">Evaluates a property of the resource.</param>
    public TemplateNode Ref(TemplateResource resource, Func<string, TemplateNode?> property, SourceLocation location)
    {
        if (ShapeOf(resource.Type) is { } shape)
            return Fill(shape.Ref, resource, shape, property, location);
        return resource.Type.StartsWith("AWS::CloudFormation::Stack", StringComparison.Ordinal) || resource.Type == "AWS::Serverless::Application"
            ? Placeholder($"arn:aws:cloudformation:{settings.Region}:{settings.AccountId}:stack/{GeneratedName(resource)}/{Identifier(resource, 32)}", location)
            : Placeholder(GeneratedName(resource), location);
    }

    /// <summary>Null when the type has no such attribute.</summary>
    public TemplateNode? Attribute(TemplateResource resource, string attribute, Func<string, TemplateNode?> property, SourceLocation location)
    {
        if (resource.IsListener)
            return ListenerAttribute(resource, attribute, property, location);
        var shape = ShapeOf(resource.Type);
        var known = shape?.Attributes.Split(' ').FirstOrDefault(candidate => candidate.StartsWith(attribute + "=", StringComparison.Ordinal));
        if (known is not null)
            return Fill(known[(attribute.Length + 1)..], resource, shape!, property, location);
        if (shape?.IsComplete == true)
            return null;
        if (resource.Type == "AWS::SSM::Parameter" && attribute is "Value" or "Type")
            return property(attribute);
        return Placeholder(Guess(resource, attribute), location);
    }

    /// <summary>The name that CloudFormation would generate: stack, logical id, and twelve characters.</summary>
    public string GeneratedName(TemplateResource resource)
    {
        var prefix = $"{settings.StackName}-{resource.LogicalId}";
        return $"{(prefix.Length > 50 ? prefix[..50] : prefix)}-{Key(resource, 12)}";
    }

    private static Shape? ShapeOf(string type) => type == "AWS::Serverless::Function" ? ServerlessFunction : Shapes.GetValueOrDefault(type);

    /// <summary>Before the listener is served, its attributes are only known by their shape.</summary>
    private static TemplateNode? ListenerAttribute(TemplateResource resource, string attribute, Func<string, TemplateNode?> property, SourceLocation location)
    {
        switch (attribute)
        {
            case "DestinationNames":
                var count = property("Destinations") is ListNode destinations ? destinations.Items.Count : 1;
                return new ListNode(location, [.. Enumerable.Range(0, count).Select(index => Placeholder($"{resource.LogicalId}-{index}", location))]);
            case "Port":
                return new ScalarNode(location, "1024", ScalarKind.Number) { IsPlaceholder = true };
            default:
                return ListenerAttributes.Contains(attribute) ? Placeholder($"{resource.LogicalId}-{attribute}", location) : null;
        }
    }

    private string Guess(TemplateResource resource, string attribute)
    {
        var name = GeneratedName(resource);
        var parts = resource.Type.Split("::");
        if (attribute.EndsWith("Arn", StringComparison.OrdinalIgnoreCase))
            return $"arn:aws:{(parts.Length > 1 ? parts[1].ToLowerInvariant() : "custom")}:{settings.Region}:{settings.AccountId}:{parts[^1].ToLowerInvariant()}/{name}";
        if (attribute.EndsWith("Url", StringComparison.OrdinalIgnoreCase) || attribute.EndsWith("Uri", StringComparison.OrdinalIgnoreCase))
            return $"https://{name.ToLowerInvariant()}.{settings.Region}.amazonaws.com/";
        return attribute.Contains("Dns", StringComparison.OrdinalIgnoreCase) || attribute.Contains("Domain", StringComparison.OrdinalIgnoreCase) || attribute.Contains("Endpoint", StringComparison.OrdinalIgnoreCase)
            ? $"{name.ToLowerInvariant()}.{settings.Region}.amazonaws.com"
            : $"{name}-{attribute.Replace('.', '-')}";
    }

    private TemplateNode Fill(string text, TemplateResource resource, Shape shape, Func<string, TemplateNode?> property, SourceLocation location)
    {
        var declared = shape.NameProperty.Length > 0 ? property(shape.NameProperty) : null;
        if (declared is UnresolvedNode)
            return new UnresolvedNode(location);
        var name = declared is ScalarNode scalar ? scalar.Text : GeneratedName(resource) + FifoSuffix(property);
        var identifier = Identifier(resource, 32);
        var filled = text
            .Replace("{r}", settings.Region, StringComparison.Ordinal)
            .Replace("{a}", settings.AccountId, StringComparison.Ordinal)
            .Replace("{n}", name, StringComparison.Ordinal)
            .Replace("{l}", name.ToLowerInvariant(), StringComparison.Ordinal)
            .Replace("{k}", Key(resource, 17), StringComparison.Ordinal)
            .Replace("{u}", Guid.ParseExact(identifier, "N").ToString(), StringComparison.Ordinal);
        foreach (var length in (int[])[6, 10, 17, 32])
            filled = filled.Replace($"{{i:{length.ToString(CultureInfo.InvariantCulture)}}}", identifier[..length], StringComparison.Ordinal);
        return new ScalarNode(location, filled) { IsPlaceholder = declared is ScalarNode { IsPlaceholder: true } };
    }

    private static string FifoSuffix(Func<string, TemplateNode?> property) =>
        property("FifoQueue") is ScalarNode { Text: "true" } || property("FifoTopic") is ScalarNode { Text: "true" } ? ".fifo" : "";

    private static ScalarNode Placeholder(string text, SourceLocation location) => new(location, text) { IsPlaceholder = true };

    private string Identifier(TemplateResource resource, int digits) => Convert.ToHexStringLower(Digest(resource))[..digits];

    private string Key(TemplateResource resource, int characters)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        return string.Concat(Digest(resource).Take(characters).Select(digit => Alphabet[digit % Alphabet.Length]));
    }

    private byte[] Digest(TemplateResource resource) => SHA256.HashData(Encoding.UTF8.GetBytes($"{settings.StackId}/{resource.LogicalId}"));
}
