using UdpGateway.Cli;
using UdpGateway.Cli.LocalLambda;

// A child process of the local Lambda service, no verb for people.
if (args is [DotNetRuntime.Verb, .. var rest])
    return await DotNetRuntime.RunAsync(rest);
return await CommandLine.RunAsync(args, Console.Out, Console.Error);
