using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace Livebook.Kino;

/// <summary>
/// Plain text of any value, independent of culture: a string as it is, a collection as <c>[ 1, 2, 3 ]</c>, an object that has no text of its own
/// by its public members, null as <c>&lt;null&gt;</c>.
/// </summary>
public static class PlainText
{
    private const int MaximumItems = 100;
    private const int MaximumDepth = 4;
    private const int MaximumLength = 1024 * 1024;

    /// <summary>The text of a value, at most about a million characters.</summary>
    public static string Format(object? value)
    {
        var text = new StringBuilder();
        Append(text, value, 0);
        if (text.Length > MaximumLength)
        {
            var hidden = text.Length - MaximumLength;
            text.Length = MaximumLength;
            text.Append(CultureInfo.InvariantCulture, $"… ({hidden} more characters)");
        }
        return text.ToString();
    }

    /// <summary>The text of a scalar in ANSI colours, or null for everything else.</summary>
    public static string? Colored(object? value) =>
        value switch
        {
            null or bool => $"\e[35m{Format(value)}\e[0m",
            string { Length: <= 10_000 } => $"\e[32m{Format(value)}\e[0m",
            char => $"\e[32m{Format(value)}\e[0m",
            sbyte or byte or short or ushort or int or uint or long or ulong or Int128 or UInt128 or nint or nuint => $"\e[34m{Format(value)}\e[0m",
            Half or float or double or decimal => $"\e[34m{Format(value)}\e[0m",
            _ => null,
        };

    private static void Append(StringBuilder text, object? value, int depth)
    {
        switch (value)
        {
            case null:
                text.Append("<null>");
                break;
            case string plain:
                text.Append(plain);
                break;
            case DateTime time:
                text.Append(time.ToString(time.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : "yyyy-MM-dd HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture));
                break;
            case DateTimeOffset time:
                text.Append(time.ToString("yyyy-MM-dd HH:mm:ss.FFFFFFF zzz", CultureInfo.InvariantCulture));
                break;
            case DateOnly date:
                text.Append(date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
                break;
            case TimeOnly time:
                text.Append(time.ToString("HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture));
                break;
            case Type type:
                text.Append(TypeNames.Full(type));
                break;
            case IFormattable formattable:
                text.Append(formattable.ToString(null, CultureInfo.InvariantCulture));
                break;
            case IEnumerable items when depth < MaximumDepth:
                AppendItems(text, items, depth);
                break;
            default:
                if (HasOwnText(value.GetType()) || depth >= MaximumDepth)
                    text.Append(value);
                else
                    AppendMembers(text, value, depth);
                break;
        }
    }

    private static void AppendItems(StringBuilder text, IEnumerable items, int depth)
    {
        text.Append('[');
        var count = 0;
        foreach (var item in items)
        {
            if (count == MaximumItems || text.Length > MaximumLength)
            {
                text.Append(items is ICollection all ? $" … ({all.Count - count} more)" : " … (more)");
                break;
            }
            text.Append(count++ == 0 ? " " : ", ");
            Append(text, item, depth + 1);
        }
        text.Append(" ]");
    }

    private static void AppendMembers(StringBuilder text, object value, int depth)
    {
        var type = value.GetType();
        var members = type.GetMembers(BindingFlags.Instance | BindingFlags.Public)
            .Where(member => member is FieldInfo || member is PropertyInfo { CanRead: true } property && property.GetIndexParameters().Length == 0)
            .Take(MaximumItems)
            .ToList();
        text.Append(TypeNames.Short(type));
        if (members.Count == 0 || value is Task or Delegate or Exception or Pointer || type.IsCOMObject)
            return;
        text.Append(" {");
        for (var i = 0; i < members.Count; i++)
        {
            text.Append(i == 0 ? " " : ", ").Append(members[i].Name).Append(": ");
            Append(text, Read(members[i], value), depth + 1);
        }
        text.Append(" }");
    }

    private static object? Read(MemberInfo member, object value)
    {
        try
        {
            return member is FieldInfo field ? field.GetValue(value) : ((PropertyInfo)member).GetValue(value);
        }
        catch (TargetInvocationException thrown) when (thrown.InnerException is not (OperationCanceledException or ThreadInterruptedException))
        {
            return $"<{thrown.InnerException?.GetType().Name}>";
        }
        catch (NotSupportedException)
        {
            return $"<{(member as PropertyInfo)?.PropertyType.Name}>";
        }
    }

    private static bool HasOwnText(Type type)
    {
        var declaring = type.GetMethod(nameof(ToString), Type.EmptyTypes)?.DeclaringType;
        return declaring is not null && declaring != typeof(object) && declaring != typeof(ValueType);
    }
}
