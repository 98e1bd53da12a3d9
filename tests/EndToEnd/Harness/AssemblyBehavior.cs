using System.Runtime.Versioning;

// Every test runs whole stacks on two cores at least; side by side they would only measure each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

// Signals, /proc and namespaces.
[assembly: SupportedOSPlatform("linux")]
