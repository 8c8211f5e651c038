namespace Livebook.Web.Configuration;

/// <summary>What nodes of one cluster must share. No value is ever repeated in an error.</summary>
internal sealed record ClusterSecrets(string? Cookie, string? CookiePrevious, string? SecretKeyBase, string? SecretKeyBasePrevious)
{
    private const int CookieLength = 20;
    private const int SecretLength = 64;

    /// <exception cref="ConfigurationException">One is missing in a cluster, too short, or two that must differ are equal.</exception>
    public static ClusterSecrets Read(EnvironmentReader env)
    {
        var clustered = env.Text("LIVEBOOK_CLUSTER") is not null;
        var cookie = clustered ? env.Secret("LIVEBOOK_COOKIE", CookieLength) : env.Text("LIVEBOOK_COOKIE");
        var secrets = new ClusterSecrets(
            cookie,
            clustered ? env.Secret("LIVEBOOK_COOKIE_PREVIOUS", CookieLength) : null,
            env.Secret("LIVEBOOK_SECRET_KEY_BASE", SecretLength),
            env.Secret("LIVEBOOK_SECRET_KEY_BASE_PREVIOUS", SecretLength)
        );
        if (!clustered)
            return secrets;
        if (cookie is null)
            throw new ConfigurationException(
                "LIVEBOOK_COOKIE",
                $"a secret of at least {CookieLength} characters when LIVEBOOK_CLUSTER is set, the same on every node (make one with: openssl rand -base64 39)",
                null
            );
        if (secrets.SecretKeyBase is null)
            throw new ConfigurationException(
                "LIVEBOOK_SECRET_KEY_BASE",
                $"a secret of at least {SecretLength} characters when LIVEBOOK_CLUSTER is set, the same on every node (make one with: openssl rand -base64 48)",
                null
            );
        MustDiffer("LIVEBOOK_COOKIE", cookie, "LIVEBOOK_SECRET_KEY_BASE", secrets.SecretKeyBase);
        MustDiffer("LIVEBOOK_COOKIE", cookie, "LIVEBOOK_SECRET_KEY_BASE_PREVIOUS", secrets.SecretKeyBasePrevious);
        MustDiffer("LIVEBOOK_COOKIE_PREVIOUS", secrets.CookiePrevious, "LIVEBOOK_SECRET_KEY_BASE", secrets.SecretKeyBase);
        MustDiffer("LIVEBOOK_COOKIE_PREVIOUS", secrets.CookiePrevious, "LIVEBOOK_SECRET_KEY_BASE_PREVIOUS", secrets.SecretKeyBasePrevious);
        return secrets;
    }

    /// <summary>Says only which are there.</summary>
    public override string ToString() => $"cookie {(Cookie is null ? "unset" : "set")}, secret {(SecretKeyBase is null ? "unset" : "set")}";

    private static void MustDiffer(string name, string? value, string otherName, string? other)
    {
        if (value is not null && value == other)
            throw new ConfigurationException(name, $"another secret than {otherName}", "the same");
    }
}
