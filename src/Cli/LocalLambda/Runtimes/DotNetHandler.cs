using System.Reflection;
using System.Runtime.Loader;

namespace UdpGateway.Cli.LocalLambda.Runtimes;

/// <summary>The handler cannot be what the template says; the message says why.</summary>
internal sealed class DotNetHandlerException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Loads <c>Assembly::Namespace.Type::Method</c> with the function's own dependencies beside it.</summary>
internal static class DotNetHandler
{
    private const string Signatures = "Stream Handler(Stream), Task<Stream> Handler(Stream), void Handler(Stream) and Task Handler(Stream)";

    public static Func<Stream, Task<Stream>> Load(string taskRoot, string handler)
    {
        if (handler.Split("::") is not [{ Length: > 0 } assemblyName, { Length: > 0 } typeName, { Length: > 0 } methodName])
            throw new DotNetHandlerException($"Handler '{handler}' is not of the form Assembly::Namespace.Type::Method.");

        var path = Path.Combine(taskRoot, assemblyName + ".dll");
        if (!File.Exists(path))
        {
            var present = Directory.EnumerateFiles(taskRoot, "*.deps.json").Select(file => Path.GetFileName(file)[..^".deps.json".Length]);
            throw new DotNetHandlerException($"Handler '{handler}': the build made no {assemblyName}.dll; it made {string.Join(", ", present)}.");
        }

        var assembly = new FunctionLoadContext(path).LoadFromAssemblyPath(path);
        var type = assembly.GetType(typeName)
            ?? throw new DotNetHandlerException($"Handler '{handler}': {assemblyName} has no type {typeName}.");
        const BindingFlags any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
        var method = type.GetMethods(any).Where(candidate => candidate.Name == methodName).ToArray() switch
        {
            [var only] => only,
            [] => throw new DotNetHandlerException($"Handler '{handler}': {typeName} has no method {methodName}."),
            _ => throw new DotNetHandlerException($"Handler '{handler}': {typeName} has several methods {methodName}; a handler is not overloaded."),
        };

        return Bind(handler, method, method.IsStatic ? null : Create(handler, type));
    }

    private static object Create(string handler, Type type)
    {
        if (type.GetConstructor(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, Type.EmptyTypes) is not { } constructor)
            throw new DotNetHandlerException($"Handler '{handler}': {type} has no constructor without parameters.");
        return constructor.Invoke(BindingFlags.DoNotWrapExceptions, binder: null, parameters: null, culture: null);
    }

    private static Func<Stream, Task<Stream>> Bind(string handler, MethodInfo method, object? instance)
    {
        var parameters = method.GetParameters();
        if (parameters is not [{ ParameterType: var parameter }] || parameter != typeof(Stream))
            throw new DotNetHandlerException($"Handler '{handler}' takes ({string.Join(", ", parameters.Select(p => p.ParameterType.Name))}). Supported: {Signatures}.");

        if (method.ReturnType == typeof(Task<Stream>)) return method.CreateDelegate<Func<Stream, Task<Stream>>>(instance);
        if (method.ReturnType == typeof(Task))
        {
            var run = method.CreateDelegate<Func<Stream, Task>>(instance);
            return async input =>
            {
                await run(input);
                return Stream.Null;
            };
        }

        if (method.ReturnType == typeof(void))
        {
            var run = method.CreateDelegate<Action<Stream>>(instance);
            return input =>
            {
                run(input);
                return Task.FromResult(Stream.Null);
            };
        }

        if (!typeof(Stream).IsAssignableFrom(method.ReturnType))
            throw new DotNetHandlerException($"Handler '{handler}' returns {method.ReturnType.Name}. Supported: {Signatures}.");
        var answer = method.CreateDelegate<Func<Stream, Stream?>>(instance);
        return input => Task.FromResult(answer(input) ?? Stream.Null);
    }

    /// <summary>The function's packages are its own: they may be other versions than this program's.</summary>
    private sealed class FunctionLoadContext(string assemblyPath) : AssemblyLoadContext("function")
    {
        private readonly AssemblyDependencyResolver _resolver = new(assemblyPath);

        protected override Assembly? Load(AssemblyName assemblyName) =>
            _resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;

        protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
            _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;
    }
}
