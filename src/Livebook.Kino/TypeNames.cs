namespace Livebook.Kino;

/// <summary>Names of types as they are written in C#.</summary>
public static class TypeNames
{
    /// <summary>Name with namespace and type arguments; a type of a cell has no prefix.</summary>
    public static string Full(Type type)
    {
        if (type.IsArray)
            return Full(type.GetElementType()!) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        if (type.IsGenericParameter)
            return type.Name;
        var outer =
            type.DeclaringType is { } declaring ? (IsCellScope(declaring) ? "" : Full(declaring) + ".")
            : string.IsNullOrEmpty(type.Namespace) ? ""
            : type.Namespace + ".";
        return outer + Own(type, Full);
    }

    /// <summary>Name without namespace, with type arguments.</summary>
    public static string Short(Type type) =>
        type.IsArray ? Short(type.GetElementType()!) + "[" + new string(',', type.GetArrayRank() - 1) + "]" : Own(type, Short);

    /// <summary>Whether a type is the class that the compiler wraps a cell's code in.</summary>
    public static bool IsCellScope(Type type) => type.Name.StartsWith("Submission#", StringComparison.Ordinal);

    private static string Own(Type type, Func<Type, string> name)
    {
        var tick = type.Name.IndexOf('`', StringComparison.Ordinal);
        if (tick < 0)
            return type.Name;
        var count = int.Parse(type.Name.AsSpan(tick + 1));
        var own = type.GetGenericArguments().TakeLast(count).Select(name);
        return $"{type.Name[..tick]}<{string.Join(", ", own)}>";
    }
}
