using System.Security.Cryptography;
using System.Text;

namespace Livebook.Web.Configuration.Platforms;

/// <summary>Fly.io: all machines of an app are one cluster, whatever their image, so that a deploy does not split it.</summary>
internal static class Fly
{
    public static Platform Read(string app, EnvironmentReader env)
    {
        if (!app.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw new ConfigurationException("FLY_APP_NAME", "the name of an app: letters, digits and -", app);
        return new Platform
        {
            Name = env.Text("FLY_IMAGE_REF") is { } image ? $"{app}-{ImageHash(image)}" : app,
            ClusterName = app,
            Address = Platform.AddressOf(env, "FLY_PRIVATE_IP"),
            DnsQuery = $"{app}.internal",
            Ipv6 = true,
        };
    }

    /// <summary>Ten digits of the image's name, as Livebook's start script makes them: of the line, with its end.</summary>
#pragma warning disable CA5350 // A short name, not a proof; SHA-1 is what Livebook uses.
    public static string ImageHash(string image) => Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes($"{image}\n")))[..10];
#pragma warning restore CA5350
}
