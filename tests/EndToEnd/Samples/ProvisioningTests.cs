using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

public sealed class ProvisioningTests
{
    private const string Script = "enrolment_at_moto.py";

    private const string Serial = "SN0001";

    [MotoFact]
    public async Task A_device_starts_one_execution_however_often_it_asks()
    {
        using var workspace = new Workspace();
        await using var moto = await Moto.StartAsync();
        var psk = RandomNumberGenerator.GetBytes(32);
        var pskFile = workspace.Write("shared.psk", Convert.ToBase64String(psk));
        await using var stack = await RunningStack.UpAsync(
            workspace, Repository.Sample("provisioning"), new Dictionary<string, string> { ["AWS_ENDPOINT_URL"] = moto.Url.ToString() }, "--secret", $"WireGuardPSK={pskFile}");
        var workflow = stack.Document.Outputs["WorkflowArn"];
        await moto.RunAsync(Script, "make-workflow", workflow);
        var device = TunnelClient.NewPrivateKey();
        var deviceKeyFile = workspace.Write("device.key", Convert.ToBase64String(device));
        var request = JsonSerializer.Serialize(new { Serial, CertificateSigningRequest = CertificateRequest() });

        await SendAsync("no enrolment at all");
        await SendAsync(request);
        await SendAsync(request);

        await Eventually.TrueAsync(() => stack.Log.Contains($"{Serial} has ", StringComparison.Ordinal) || stack.Log.Split($"{Serial} starts ").Length > 2, TimeSpan.FromSeconds(30));
        var execution = Assert.Single((await moto.RunAsync(Script, "list-executions", workflow)).AsArray())!;
        var input = (string)execution["input"]!;
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(input))), (string?)execution["name"]);
        Assert.Equal((Serial, TunnelClient.PublicKeyOf(device)), ((string?)JsonNode.Parse(input)!["Serial"], (string?)JsonNode.Parse(input)!["PeerKey"]));
        Assert.Contains("cannot be read", stack.Log, StringComparison.Ordinal);

        Task SendAsync(string message) => ProgramRun.UdpgwAsync(
            "send", stack.Listener.Endpoint, message, "--public-key", stack.PublicKey, "--private-key", deviceKeyFile, "--psk", pskFile, "--inner", "10.8.0.1:1", "--timeout", "1");
    }

    [MotoFact]
    public async Task The_workflow_registers_the_device_and_issues_its_certificate()
    {
        await using var moto = await Moto.StartAsync();
        var definition = Path.Combine(Path.GetDirectoryName(Repository.Sample("provisioning"))!, "workflow.asl.json");

        var outcome = await moto.RunAsync(Script, "run", definition, Serial, "the key", CertificateRequest());

        Assert.Equal(("SUCCEEDED", null), ((string?)outcome["status"], (string?)outcome["cause"]));
        var certificate = (string)Assert.Single(outcome["certificates"]!.AsArray())!;
        Assert.Equal(certificate, (string?)Assert.Single(outcome["principals"]!.AsArray()));
        var item = Assert.Single(outcome["items"]!.AsArray())!;
        Assert.Equal(
            (Serial, "the key", "enrolled", certificate),
            ((string?)item["Serial"]!["S"], (string?)item["PeerKey"]!["S"], (string?)item["State"]!["S"], (string?)item["CertificateArn"]!["S"]));
        var notice = JsonNode.Parse((string)Assert.Single(outcome["notices"]!.AsArray())!)!;
        Assert.Equal((Serial, "the key"), ((string?)notice["Serial"], (string?)notice["PeerKey"]));
    }

    private static string CertificateRequest()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest($"CN={Serial}", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
    }
}
