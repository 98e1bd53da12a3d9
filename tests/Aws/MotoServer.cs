using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Amazon.Runtime;
using UdpGateway.Tests;

namespace UdpGateway.Aws.Tests;

/// <summary>Runs only where <c>python3 -m moto.server</c> starts; in CI it must.</summary>
public sealed class RequiresMotoFactAttribute([CallerMemberName] string? test = null)
    : SkippableFactAttribute(RequiresMotoFactAttribute.IsAvailable ? null : "The moto server is not installed: pip install 'moto[server]'.", test)
{
    private static readonly Lazy<bool> Installed = new(() =>
    {
        try
        {
            using var python = Process.Start(new ProcessStartInfo("python3", ["-c", "import importlib.util as u, sys; sys.exit(u.find_spec('moto') is None or u.find_spec('flask') is None)"]));
            python!.WaitForExit();
            return python.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    internal static bool IsAvailable => Installed.Value || Environment.GetEnvironmentVariable("CI") == "true";
}

/// <summary>
/// A moto server that checks signatures, permissions and trust policies. In it a user may assume one role with the right external id,
/// and that role may deliver to destinations; the function that it may invoke echoes its payload. An administrator may do everything.
/// </summary>
public class MotoServer : IAsyncLifetime
{
    public const string RoleArn = "arn:aws:iam::123456789012:role/destinations/invoker";
    public const string ExternalId = "arn:aws:cloudformation:us-west-2:123456789012:stack/sample/1a2b3c";

    /// <summary>Not its ARN: moto verifies signatures over the decoded path, which AWS and botocore do not.</summary>
    public const string FunctionName = "echo";

    // moto asks for the permission of each operation, AWS for that of its single form: SendMessage covers SendMessageBatch.
    private static readonly string[] DeliveryActions =
    [
        "lambda:Invoke*", "sqs:GetQueueUrl", "sqs:SendMessage*", "sns:Publish*", "events:PutEvents", "kinesis:PutRecords", "firehose:PutRecordBatch",
        "s3:PutObject", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "dynamodb:DescribeTable", "dynamodb:BatchWriteItem",
        "states:DescribeStateMachine", "states:StartExecution",
        "monitoring:PutMetricData", // cloudwatch: on AWS; moto goes by the signing name
    ];

    // moto's transactions are no transactions when requests are parallel: one that fails puts back a copy of the whole table, and
    // with it undoes what others wrote meanwhile. One call at a time is what DynamoDB promises.
    private const string Launcher = """
        import threading, moto.server
        from moto.dynamodb.responses import DynamoHandler

        turn, call = threading.RLock(), DynamoHandler.call_action

        def one_at_a_time(self):
            with turn:
                return call(self)

        DynamoHandler.call_action = one_at_a_time
        moto.server.main()
        """;

    private Process? _process;

    public Uri Url { get; private set; } = null!;

    /// <summary>The user that stands for the gateway's own role.</summary>
    public string AccessKeyId { get; private set; } = null!;

    public string SecretAccessKey { get; private set; } = null!;

    /// <summary>Who makes the queues, tables and buckets of a test, and looks into them.</summary>
    public AWSCredentials Administrator { get; private set; } = null!;

    public AWSCredentials Credentials => new BasicAWSCredentials(AccessKeyId, SecretAccessKey);

    public async Task InitializeAsync()
    {
        if (!RequiresMotoFactAttribute.IsAvailable)
            return;

        using var http = await StartAsync();
        await CreateResourcesAsync();
        await PostAsync(http, "/moto-api/config", "{\"lambda\":{\"use_docker\":false}}");
        // So many more requests pass unchecked.
        await PostAsync(http, "/moto-api/reset-auth", "0");
    }

    public async Task DisposeAsync()
    {
        if (_process is null)
            return;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>What Python does before the server starts.</summary>
    protected virtual string Preparation => string.Empty;

    private async Task<HttpClient> StartAsync()
    {
        var port = FreePort();
        Url = new Uri($"http://127.0.0.1:{port}");
        var start = new ProcessStartInfo("python3", ["-c", $"{Preparation}\n{Launcher}", "-H", "127.0.0.1", "-p", port.ToString()])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var output = new StringBuilder();
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Append(output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(output, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();

        var http = new HttpClient { BaseAddress = Url };
        var waited = Stopwatch.StartNew();
        while (!await AnswersAsync(http))
        {
            if (_process.HasExited || waited.Elapsed > TimeSpan.FromSeconds(60))
                throw new InvalidOperationException($"The moto server did not start: {output}");
            await Task.Delay(50);
        }

        return http;
    }

    private async Task CreateResourcesAsync()
    {
        using var iam = new AwsServiceClient(new AwsService("IAM", "iam", "iam"), TestEnvironment.Credentials, new AwsClientSettings("us-east-1") { ServiceUrl = Url });
        await QueryAsync(iam, ("Action", "CreateUser"), ("UserName", "gateway"));
        await QueryAsync(iam, ("Action", "PutUserPolicy"), ("UserName", "gateway"), ("PolicyName", "p"), ("PolicyDocument", Allow(["sts:AssumeRole"])));
        await QueryAsync(iam, ("Action", "CreateRole"), ("RoleName", "invoker"), ("Path", "/destinations/"), ("AssumeRolePolicyDocument", $$$$"""
            {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/gateway"},
             "Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"{{{{ExternalId}}}}"}}}]}
            """));
        await QueryAsync(iam, ("Action", "PutRolePolicy"), ("RoleName", "invoker"), ("PolicyName", "p"), ("PolicyDocument", Allow(DeliveryActions)));
        (AccessKeyId, SecretAccessKey) = await CreateAccessKeyAsync(iam, "gateway");
        await QueryAsync(iam, ("Action", "CreateUser"), ("UserName", "administrator"));
        await QueryAsync(iam, ("Action", "PutUserPolicy"), ("UserName", "administrator"), ("PolicyName", "p"), ("PolicyDocument", Allow(["*"])));
        var (administratorId, administratorSecret) = await CreateAccessKeyAsync(iam, "administrator");
        Administrator = new BasicAWSCredentials(administratorId, administratorSecret);

        using var lambda = new AwsServiceClient(new AwsService("Lambda", "lambda", "lambda"), TestEnvironment.Credentials, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = Url });
        await lambda.SendAsync(
            new AdministratorCall
            {
                Method = HttpMethod.Post,
                Path = "/2015-03-31/functions",
                Headers = [new("Content-Type", "application/json")],
                Body = JsonSerializer.SerializeToUtf8Bytes(new
                {
                    FunctionName,
                    Runtime = "python3.13",
                    Role = RoleArn,
                    Handler = "index.handler",
                    Code = new { ZipFile = Convert.ToBase64String(EmptyZip()) },
                }),
            },
            CancellationToken.None);
    }

    private static async Task<(string Id, string Secret)> CreateAccessKeyAsync(AwsServiceClient iam, string user)
    {
        var key = await QueryAsync(iam, ("Action", "CreateAccessKey"), ("UserName", user));
        string Value(string name) => key.Descendants().Single(element => element.Name.LocalName == name).Value;
        return (Value("AccessKeyId"), Value("SecretAccessKey"));
    }

    private static string Allow(string[] actions) =>
        $$"""{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":{{JsonSerializer.Serialize(actions)}},"Resource":"*"}]}""";

    private static async Task<XDocument> QueryAsync(AwsServiceClient client, params (string Name, string Value)[] parameters)
    {
        using var form = new FormUrlEncodedContent(parameters.Append(("Version", "2010-05-08")).Select(p => KeyValuePair.Create(p.Item1, p.Item2)));
        var response = await client.SendAsync(
            new AdministratorCall
            {
                Method = HttpMethod.Post,
                Headers = [new("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
                Body = await form.ReadAsByteArrayAsync(),
            },
            CancellationToken.None);
        return XDocument.Parse(Encoding.UTF8.GetString(response.Body.Span));
    }

    private static async Task PostAsync(HttpClient http, string path, string body)
    {
        using var content = new StringContent(body);
        using var response = await http.PostAsync(new Uri(path, UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
    }

    private static byte[] EmptyZip()
    {
        var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
            zip.CreateEntry("index.py");
        return bytes.ToArray();
    }

    private static async Task<bool> AnswersAsync(HttpClient http)
    {
        try
        {
            using var response = await http.GetAsync(new Uri("/moto-api/", UriKind.Relative));
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static void Append(StringBuilder output, string? line)
    {
        lock (output)
            output.AppendLine(line);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class AdministratorCall : AwsRequest;
}
