using System.Reflection;
using System.Reflection.Emit;

namespace UdpGateway.Templates.Tests;

/// <summary>
/// The methods that a program can come to from its entry point, read from its code: calls, delegates, and of virtual and interface
/// methods those of the types that are made. It finds rather too much than too little.
/// </summary>
internal sealed class ReachableCode
{
    private static readonly Dictionary<int, OpCode> OpCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (int)(ushort)code.Value);

    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private readonly HashSet<Assembly> _ours;
    private readonly Func<Type, bool> _isOutside;
    private readonly HashSet<MethodBase> _reached = [];
    private readonly HashSet<MethodInfo> _virtualCalls = [];
    private readonly HashSet<Type> _made = [];
    private readonly HashSet<MethodBase> _foreignCalls = [];
    private readonly Queue<MethodBase> _pending = new();

    /// <param name="ours">Only their code is read.</param>
    /// <param name="isOutside">Types whose code is left out.</param>
    public ReachableCode(MethodBase entry, IEnumerable<Assembly> ours, Func<Type, bool> isOutside)
    {
        _ours = [.. ours];
        _isOutside = isOutside;
        Reach(entry);
        while (_pending.TryDequeue(out var method))
            Read(method);
    }

    /// <summary>Types of ours of which there may be an instance.</summary>
    public IReadOnlyCollection<Type> Made => _made;

    /// <summary>Methods of others that are called.</summary>
    public IReadOnlyCollection<MethodBase> ForeignCalls => _foreignCalls;

    private bool IsOurs(Type? type) => type is not null && _ours.Contains(type.Assembly);

    private void Reach(MethodBase method)
    {
        var definition = DefinitionOf(method);
        if (!IsOurs(definition.DeclaringType))
        {
            _foreignCalls.Add(definition);
            return;
        }

        if (_isOutside(Outermost(definition.DeclaringType!)) || !_reached.Add(definition))
            return;
        _pending.Enqueue(definition);
        Initialize(definition.DeclaringType!);
    }

    private void Initialize(Type type)
    {
        if (DefinitionOf(type).TypeInitializer is { } initializer)
            Reach(initializer);
    }

    private void Make(Type type)
    {
        var definition = DefinitionOf(type);
        if (!IsOurs(definition) || definition.IsInterface || _isOutside(Outermost(definition)) || !_made.Add(definition))
            return;
        Initialize(definition);
        foreach (var called in _virtualCalls)
            Dispatch(called, definition);
        // What the framework calls of ours.
        var foreign = definition.GetInterfaces().Concat(BasesOf(definition)).Where(parent => !IsOurs(parent)).SelectMany(parent => parent.GetMethods(Everything)).Select(method => method.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var method in MethodsOf(definition).Where(method => method.IsVirtual && foreign.Contains(NameOf(method))))
            Reach(method);
    }

    private void CallVirtually(MethodInfo method)
    {
        if (!_virtualCalls.Add(method))
            return;
        foreach (var type in _made.ToArray())
            Dispatch(method, type);
    }

    private void Dispatch(MethodInfo called, Type type)
    {
        var declaring = DefinitionOf(called.DeclaringType!);
        if (type != declaring && !BasesOf(type).Concat(type.GetInterfaces()).Any(parent => DefinitionOf(parent) == declaring))
            return;
        foreach (var method in MethodsOf(type).Where(method => NameOf(method) == called.Name && method.GetParameters().Length == called.GetParameters().Length))
            Reach(method);
    }

    private void Read(MethodBase method)
    {
        if (method.GetMethodBody() is not { } body)
            return;
        foreach (var local in body.LocalVariables)
            MakeAll(local.LocalType);
        var code = body.GetILAsByteArray()!;
        var typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var position = 0; position < code.Length;)
        {
            var opCode = OpCodes[code[position] == 0xFE ? 0xFE00 | code[position + 1] : code[position]];
            position += opCode.Size;
            switch (opCode.OperandType)
            {
                case OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineField:
                    Follow(method.Module.ResolveMember(BitConverter.ToInt32(code, position), typeArguments, methodArguments)!, opCode);
                    position += 4;
                    break;
                case OperandType.InlineSwitch:
                    position += 4 + (4 * BitConverter.ToInt32(code, position));
                    break;
                default:
                    position += SizeOf(opCode.OperandType);
                    break;
            }
        }
    }

    private void Follow(MemberInfo member, OpCode opCode)
    {
        switch (member)
        {
            case MethodBase method:
                // A state machine is handed to its builder by a type argument.
                if (method.IsGenericMethod)
                    Array.ForEach(method.GetGenericArguments(), MakeAll);
                MakeAll(method.DeclaringType!);
                if (method.IsConstructor && opCode == System.Reflection.Emit.OpCodes.Newobj)
                    Make(method.DeclaringType!);
                if (method is MethodInfo { IsVirtual: true } called && IsOurs(called.DeclaringType) && DefinitionOf(called) is MethodInfo definition)
                    CallVirtually(definition);
                Reach(method);
                break;
            case FieldInfo field when IsOurs(field.DeclaringType):
                Initialize(field.DeclaringType!);
                break;
        }
    }

    /// <summary>Of a constructed type its arguments: a container may make what it contains. Structs need no constructor.</summary>
    private void MakeAll(Type type)
    {
        if (type.IsValueType)
            Make(type);
        foreach (var argument in type.IsGenericType ? type.GetGenericArguments() : [])
        {
            if (!argument.IsGenericParameter && argument is { IsAbstract: false, IsArray: false } && (argument.IsValueType || argument.Name.StartsWith('<')))
                Make(argument);
        }
    }

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static Type DefinitionOf(Type type) => type.IsGenericType ? type.GetGenericTypeDefinition() : type;

    private static MethodBase DefinitionOf(MethodBase method) => method.DeclaringType is { IsArray: false } ? method.Module.ResolveMethod(method.MetadataToken)! : method;

    private static string NameOf(MethodBase method) => method.Name[(method.Name.LastIndexOf('.') + 1)..];

    private static IEnumerable<Type> BasesOf(Type type)
    {
        for (var parent = type.BaseType; parent is not null; parent = parent.BaseType)
            yield return parent;
    }

    private IEnumerable<MethodInfo> MethodsOf(Type type) =>
        BasesOf(type).Prepend(type).Where(IsOurs).SelectMany(part => DefinitionOf(part).GetMethods(Everything & ~BindingFlags.Static));

    private static int SizeOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };
}
