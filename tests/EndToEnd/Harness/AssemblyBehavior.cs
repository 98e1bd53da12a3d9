using System.Runtime.Versioning;

// Most of its time a test waits for a stack to start or for silence to last. What loads or measures is in the collection Alone.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]

// Signals, /proc and namespaces.
[assembly: SupportedOSPlatform("linux")]
