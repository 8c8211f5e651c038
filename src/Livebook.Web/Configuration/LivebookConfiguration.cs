using System.Collections.Immutable;
using System.Net;
using Livebook.Cluster;
using Livebook.Server;
using Livebook.Server.Runtimes.Isolation;
using Livebook.Server.Sessions;
using Livebook.Server.Settings;
using Livebook.Web.Auth;
using Livebook.Web.Logging;

namespace Livebook.Web.Configuration;

/// <summary>How people get in.</summary>
public enum AuthMode
{
    Token,
    Password,
    None,
}

/// <summary>Everything the environment says, checked. Variables keep Livebook's names and meanings (README, Configuration).</summary>
public sealed record LivebookConfiguration
{
    private static readonly ImmutableArray<string> KnownProxyHeaders = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"];

    /// <summary>Bytes of one message of a page at most.</summary>
    public const long DefaultFrameBytes = 4L * 1024 * 1024;

    public required IPAddress Ip { get; init; }

    /// <summary>0 = any free port.</summary>
    public required int Port { get; init; }
    public required AuthMode Auth { get; init; }
    public required string? Password { get; init; }

    /// <summary>Key for automation, the same on every node; at least 20 characters.</summary>
    public required string? ApiKey { get; init; }
    public required string SecretKeyBase { get; init; }

    /// <summary>The secret before the last change of it: its cookies and its token still count; what it encrypted is read and encrypted anew.</summary>
    public string? SecretKeyBasePrevious { get; init; }

    /// <summary>Secrets by name, from variables <c>LB_NAME</c>.</summary>
    public ImmutableSortedDictionary<string, string> StartupSecrets { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Keys that settings are encrypted with on the disk, the present one first.</summary>
    public ImmutableArray<byte[]> SettingsKeys =>
        [.. new[] { SecretKeyBase, SecretKeyBasePrevious }.OfType<string>().Select(secret => new Auth.Keys(secret).Derive("settings"))];

    public required string Home { get; init; }
    public required string DataPath { get; init; }
    public required string BasePath { get; init; }

    /// <summary>Prefix of <c>/public/*</c>.</summary>
    public required string PublicBasePath { get; init; }
    public required string? ForceSslHost { get; init; }
    public required ImmutableArray<string> ProxyHeaders { get; init; }
    public required ClusterOptions Cluster { get; init; }
    public required ServerLimits Limits { get; init; }

    /// <summary>Bytes of one upload at most.</summary>
    public required long UploadBytes { get; init; }
    public required long FrameBytes { get; init; }

    /// <summary>Seconds from the word to stop until this node has left its cluster and ended.</summary>
    public required int DrainSeconds { get; init; }

    /// <summary>Warm spare runtimes; 0 = none.</summary>
    public required int SpareRuntimes { get; init; }

    /// <summary>Who runs notebook code, when the server is root; null = the server's own user.</summary>
    public required SystemUser? RuntimeUser { get; init; }

    public required LogOptions Logs { get; init; }

    /// <summary>The variables that begin with <c>OTEL_</c>: OpenTelemetry reads them itself.</summary>
    public required ImmutableDictionary<string, string> Telemetry { get; init; }

    /// <summary>Lines to say at start about variables that have no effect here.</summary>
    public required ImmutableArray<string> Remarks { get; init; }

    /// <summary>Reads the configuration; asks the platform and DNS what variables leave open (<see cref="ClusterPlace"/>).</summary>
    /// <exception cref="ConfigurationException">A variable is wrong; the message is one line for a person.</exception>
    internal static async Task<LivebookConfiguration> ReadAsync(
        IReadOnlyDictionary<string, string> variables,
        string version,
        Machine machine,
        CancellationToken stop
    )
    {
        var env = new EnvironmentReader(ServiceLinks.Remove(variables).Variables);
        // What is wrong whatever the network says is said before it is asked.
        ClusterSecrets.Read(env);
        return Read(variables, version, await ClusterPlace.FindAsync(env, machine, stop));
    }

    /// <summary>Reads the configuration from variables alone.</summary>
    /// <param name="found">Where this node is; null = variables tell it.</param>
    /// <exception cref="ConfigurationException">A variable is wrong; the message is one line for a person.</exception>
    internal static LivebookConfiguration Read(IReadOnlyDictionary<string, string> variables, string version, ClusterPlace? found = null)
    {
        (variables, var links) = ServiceLinks.Remove(variables);
        var env = new EnvironmentReader(variables);
        var secrets = ClusterSecrets.Read(env);
        var place =
            found
            ?? ClusterPlace.Stated(env)
            ?? throw new ConfigurationException(
                "LIVEBOOK_NODE",
                "NAME@ADDRESS with the address at which other nodes reach this one",
                env.Text("LIVEBOOK_NODE")
            );
        var password = env.Secret("LIVEBOOK_PASSWORD", 12);
        var token = env.Flag("LIVEBOOK_TOKEN_ENABLED", password is null);
        var dataPath = env.Directory("LIVEBOOK_DATA_PATH", DefaultDataPath(variables), create: true);
        var cluster = ReadCluster(env, place, secrets, dataPath, version);
        var basePath = env.Prefix("LIVEBOOK_BASE_URL_PATH", "");
        var limits = new ServerLimits
        {
            NotebookBytes = env.Integer("LIVEBOOK_NOTEBOOK_LIMIT_BYTES", 50L << 20, 1 << 10, 1L << 30),
            OutputBytes = env.Integer("LIVEBOOK_OUTPUTS_LIMIT_BYTES", 50L << 20, 1 << 10, 1L << 30),
            UploadBytes = env.Integer("LIVEBOOK_UPLOAD_LIMIT_BYTES", 1L << 30, 1 << 10, 1L << 40),
            FreeDiskBytes = env.Integer("LIVEBOOK_MIN_FREE_BYTES", 200L << 20, 0, 1L << 40),
        };
        return new LivebookConfiguration
        {
            Ip = env.Address("LIVEBOOK_IP", IPAddress.Loopback),
            Port = (int)env.Integer("LIVEBOOK_PORT", 8080, 0, 65_535),
            Auth =
                password is not null ? AuthMode.Password
                : token ? AuthMode.Token
                : AuthMode.None,
            Password = password,
            ApiKey = env.Secret("LIVEBOOK_API_KEY", 20),
            // Without the variable a secret that was made once and is kept in the data path.
            SecretKeyBase = secrets.SecretKeyBase ?? KeptSecret.ReadOrMake(Path.Combine(dataPath, "secret_key_base")),
            SecretKeyBasePrevious = secrets.SecretKeyBasePrevious,
            StartupSecrets = ReadStartupSecrets(variables),
            Home = env.Directory("LIVEBOOK_HOME", DefaultHome(variables), create: false),
            DataPath = dataPath,
            BasePath = basePath,
            PublicBasePath = env.Prefix("LIVEBOOK_PUBLIC_BASE_URL_PATH", basePath),
            ForceSslHost = env.Host("LIVEBOOK_FORCE_SSL_HOST"),
            ProxyHeaders = ReadProxyHeaders(env),
            Cluster = cluster,
            Limits = limits,
            UploadBytes = limits.UploadBytes,
            FrameBytes = env.Integer("LIVEBOOK_SOCKET_FRAME_LIMIT_BYTES", DefaultFrameBytes, 64 << 10, 64 << 20),
            DrainSeconds = (int)env.Integer("LIVEBOOK_DRAIN_SECONDS", 30, 1, 3_600),
            SpareRuntimes = (int)env.Integer("LIVEBOOK_SPARE_RUNTIMES", 1, 0, 16),
            RuntimeUser = RuntimeUserOf(env),
            Logs = ReadLogs(env),
            Telemetry = ReadTelemetry(env, variables),
            Remarks =
            [
                .. links,
                .. Unused(env, place),
                .. env.Text("LIVEBOOK_RUNTIME_USER") is not null && !SystemUser.IsRoot
                    ? ["LIVEBOOK_RUNTIME_USER has no effect: only root can start runtimes as another user"]
                    : Array.Empty<string>(),
                .. new[] { "LIVEBOOK_IFRAME_PORT", "LIVEBOOK_IFRAME_URL" }
                    .Where(name => env.Text(name) is not null)
                    .Select(name => $"{name} has no effect: outputs are shown in sandboxed frames of this port"),
            ],
        };
    }

    /// <summary>As the variable says, else the user whom the image makes, when there is one.</summary>
    private static SystemUser? RuntimeUserOf(EnvironmentReader env)
    {
        var name = env.Text("LIVEBOOK_RUNTIME_USER");
        if (!SystemUser.IsRoot)
            return null;
        var user = SystemUser.Find(name ?? "livebook-runtime");
        if (user is null && name is not null)
            throw new ConfigurationException("LIVEBOOK_RUNTIME_USER", "the name of a user of this system", name);
        return user;
    }

    private static LogOptions ReadLogs(EnvironmentReader env)
    {
        LogLevel? level = env.Text("LIVEBOOK_LOG_LEVEL") switch
        {
            null => null,
            "error" => LogLevel.Error,
            "warning" => LogLevel.Warning,
            "notice" or "info" => LogLevel.Information,
            "debug" => LogLevel.Debug,
            var other => throw new ConfigurationException("LIVEBOOK_LOG_LEVEL", "error, warning, notice, info or debug", other),
        };
        var json = env.Text("LIVEBOOK_LOG_FORMAT") switch
        {
            null or "text" => false,
            "json" => true,
            var other => throw new ConfigurationException("LIVEBOOK_LOG_FORMAT", "text or json", other),
        };
        if (env.Text("LIVEBOOK_LOG_METADATA") is not { } text)
            return LogOptions.Standard with { Level = level, Json = json };
        ImmutableArray<string> keys = [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        return keys.All(LogOptions.KnownMetadata.Contains)
            ? new LogOptions(level, json, keys)
            : throw new ConfigurationException("LIVEBOOK_LOG_METADATA", $"a list of {string.Join(", ", LogOptions.KnownMetadata)}", text);
    }

    /// <summary>What the library would only complain about in its own log is checked here.</summary>
    private static ImmutableDictionary<string, string> ReadTelemetry(EnvironmentReader env, IReadOnlyDictionary<string, string> variables)
    {
        var found = variables
            .Where(variable => variable.Key.StartsWith("OTEL_", StringComparison.Ordinal) && variable.Value.Length > 0)
            .ToImmutableDictionary();
        foreach (var name in found.Keys.Where(name => name.EndsWith("_ENDPOINT", StringComparison.Ordinal)))
        {
            if (!Uri.TryCreate(found[name], UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
                throw new ConfigurationException(name, "the address of a collector, e.g. http://collector:4318", found[name]);
        }
        foreach (
            var name in found.Keys.Where(name =>
                name.StartsWith("OTEL_EXPORTER_OTLP_", StringComparison.Ordinal) && name.EndsWith("PROTOCOL", StringComparison.Ordinal)
            )
        )
        {
            if (env.Text(name) is not ("grpc" or "http/protobuf"))
                throw new ConfigurationException(name, "grpc or http/protobuf", found[name]);
        }
        return found;
    }

    private static ImmutableSortedDictionary<string, string> ReadStartupSecrets(IReadOnlyDictionary<string, string> variables) =>
        ImmutableSortedDictionary
            .Create<string, string>(StringComparer.Ordinal)
            .AddRange(
                variables
                    .Where(variable => variable.Key.StartsWith(SettingNames.SecretPrefix, StringComparison.Ordinal))
                    .Select(variable => KeyValuePair.Create(variable.Key[SettingNames.SecretPrefix.Length..], variable.Value))
                    .Where(secret => SettingNames.OfSecret(secret.Key) == secret.Key)
            );

    private static IEnumerable<string> Unused(EnvironmentReader env, ClusterPlace place) =>
        env.Text("LIVEBOOK_CLOUD_MAP_NAME") is { } name && place.DnsQuery != name
            ? ["LIVEBOOK_CLOUD_MAP_NAME has no effect: only LIVEBOOK_CLUSTER=auto on AWS ECS reads it"]
            : [];

    private static string DefaultHome(IReadOnlyDictionary<string, string> variables) =>
        variables.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : Environment.CurrentDirectory;

    /// <summary>The user's data directory by the XDG base directory specification.</summary>
    private static string DefaultDataPath(IReadOnlyDictionary<string, string> variables)
    {
        var data = variables.GetValueOrDefault("XDG_DATA_HOME") is { Length: > 0 } xdg ? xdg : Path.Combine(DefaultHome(variables), ".local", "share");
        return Path.Combine(data, "livebook");
    }

    private static ImmutableArray<string> ReadProxyHeaders(EnvironmentReader env)
    {
        if (env.Text("LIVEBOOK_PROXY_HEADERS") is not { } text)
            return [];
        var headers = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(header => header.ToLowerInvariant())
            .ToImmutableArray();
        return headers.All(KnownProxyHeaders.Contains)
            ? headers
            : throw new ConfigurationException("LIVEBOOK_PROXY_HEADERS", $"a list of {string.Join(", ", KnownProxyHeaders)}", text);
    }

    private static ClusterOptions ReadCluster(EnvironmentReader env, ClusterPlace place, ClusterSecrets secrets, string dataPath, string version) =>
        new()
        {
            Node = place.Node,
            ClusterName = place.ClusterName,
            DnsQuery = place.DnsQuery,
            Ecs = place.Ecs,
            Ipv6 = place.Ipv6,
            Cookie = secrets.Cookie ?? "",
            PreviousCookie = secrets.CookiePrevious,
            KeyIds = KeyIdsOf(secrets),
            Port = (int)env.Integer("LIVEBOOK_CLUSTER_PORT", 13825, 1, 65_535),
            DataPath = dataPath,
            DnsServer = env.EndPoint("LIVEBOOK_DNS_SERVER", 53),
            Version = version,
            UnsafeWithoutReplication = env.Flag("LIVEBOOK_TEST_WITHOUT_REPLICATION", false),
        };

    private static ImmutableArray<string> KeyIdsOf(ClusterSecrets secrets) =>
        [.. new[] { secrets.SecretKeyBase, secrets.SecretKeyBasePrevious }.OfType<string>().Select(secret => new Keys(secret).Id())];
}
