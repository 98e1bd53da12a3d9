return await UdpGateway.Cli.CommandLine.RunAsync(args, Console.Out, Console.Error);
