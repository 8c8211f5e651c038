using System.Collections.Concurrent;
using System.Reflection;
using Livebook.Kino;

namespace Livebook.Runtime.CSharp;

/// <summary>What the evaluated cells have defined, and how it adds up along a path.</summary>
internal sealed class SubmissionChains(ChainLink root)
{
    private readonly ConcurrentDictionary<string, ChainLink> cells = new();

    public void Commit(string cell, ChainLink link) => cells[cell] = link;

    public void Forget(string cell) => cells.TryRemove(cell, out _);

    /// <summary>
    /// The chain that a cell behind a path builds on. A cell of the path that did not run again since one of its ancestors did is put behind
    /// the ancestor's newest version; where its types do not allow that, its own older ancestors stay in place and the cell is named in <paramref name="outdated"/>.
    /// </summary>
    public ChainLink Resolve(IEnumerable<string> path, out List<string> outdated)
    {
        outdated = [];
        var chain = root;
        foreach (var cell in path)
        {
            if (!cells.TryGetValue(cell, out var link))
                continue;
            if (link.Parent == chain)
                chain = link;
            else if (chain.Moved.GetValue(link.Submission!, submission => Move(chain, submission)) is { } moved)
                chain = moved;
            else
            {
                outdated.Add(cell);
                chain = link;
            }
        }
        return chain;
    }

    private static ChainLink? Move(ChainLink parent, Submission submission)
    {
        if (submission.Assembly is { } assembly)
        {
            var present = new HashSet<Assembly> { assembly };
            for (var link = parent; link is not null; link = link.Parent)
                if (link.Submission?.Assembly is { } earlier)
                    present.Add(earlier);
            if (!Signatures(assembly).All(type => Fits(type, present)))
                return null;
        }
        return CellCompiler.Move(parent, submission);
    }

    private static IEnumerable<Type> Signatures(Assembly assembly)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        foreach (var type in assembly.GetTypes())
        {
            if (type.BaseType is { } parent)
                yield return parent;
            foreach (var field in type.GetFields(All))
                yield return field.FieldType;
            foreach (var method in type.GetMethods(All))
            {
                yield return method.ReturnType;
                foreach (var parameter in method.GetParameters())
                    yield return parameter.ParameterType;
            }
        }
    }

    /// <summary>Whether a type does not come from a cell that is no longer in the chain. Links between cells' variables do not count: no other cell names them.</summary>
    private static bool Fits(Type type, HashSet<Assembly> present)
    {
        if (type.HasElementType)
            return Fits(type.GetElementType()!, present);
        if (type.IsGenericType && !type.GetGenericArguments().All(argument => argument.IsGenericParameter || Fits(argument, present)))
            return false;
        return !type.Assembly.IsCollectible || TypeNames.IsCellScope(type) || present.Contains(type.Assembly);
    }
}
