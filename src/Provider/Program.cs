// The Lambda program needs its AWS backing (DynamoDB listeners, ECS provisioning), which this version does not contain.
// Local mode (`udpgw up`) runs the same CustomResourceHandler on the embedded store.
await Console.Error.WriteLineAsync("This version of the provider has no AWS backing: it lacks the DynamoDB store and the ECS provisioner. Run templates locally with `udpgw up`.");
return 1;
