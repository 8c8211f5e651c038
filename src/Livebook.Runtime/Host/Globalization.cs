using System.Globalization;

namespace Livebook.Runtime.Host;

/// <summary>
/// Cultures come from ICU, which bare systems lack; .NET without ICU does not start unless told to be invariant.
/// Must run before anything asks for a culture.
/// </summary>
internal static class Globalization
{
    /// <summary>Chooses between ICU and invariant mode, and makes <c>en-US</c> the culture of user code, so that a notebook prints the same on every node.</summary>
    public static void Choose()
    {
        var icu = IcuIsInstalled();
        if (!icu)
        {
            AppContext.SetSwitch("System.Globalization.Invariant", true);
            AppContext.SetSwitch("System.Globalization.PredefinedCulturesOnly", false);
        }
        var culture = icu ? CultureInfo.GetCultureInfo("en-US") : AmericanEnglish();
        CultureInfo.DefaultThreadCurrentCulture = culture;
        CultureInfo.DefaultThreadCurrentUICulture = culture;
        CultureInfo.CurrentCulture = culture;
        CultureInfo.CurrentUICulture = culture;
    }

    /// <summary>Invariant data with the formats that differ most visibly.</summary>
    private static CultureInfo AmericanEnglish()
    {
        var culture = (CultureInfo)CultureInfo.GetCultureInfo("en-US").Clone();
        culture.NumberFormat.CurrencySymbol = "$";
        culture.NumberFormat.CurrencyNegativePattern = 1;
        culture.DateTimeFormat.ShortDatePattern = "M/d/yyyy";
        culture.DateTimeFormat.LongDatePattern = "dddd, MMMM d, yyyy";
        culture.DateTimeFormat.ShortTimePattern = "h:mm tt";
        culture.DateTimeFormat.LongTimePattern = "h:mm:ss tt";
        return culture;
    }

    private static bool IcuIsInstalled()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT") is "1" or "true")
            return false;
        var extra = (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        string[] usual = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
        return usual.Concat(extra).Any(Holds);
    }

    private static bool Holds(string directory) => Directory.Exists(directory) && Directory.EnumerateFiles(directory, "libicuuc.so.*").Any();
}
