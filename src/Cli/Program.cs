using UdpGateway.Cli.LocalLambda;

if (args is [DotNetRuntime.Verb, .. var rest]) return await DotNetRuntime.RunAsync(rest);
return 0;
