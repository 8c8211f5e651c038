using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Livebook.Cluster.Settings;

namespace Livebook.Server.Settings;

/// <summary>
/// The settings of all nodes by what they are: secrets of the workspace, environment variables, keys of the API, starred notebooks. Each kind
/// has a prefix in the store, so that further kinds (storages, users, deployments) can come beside them.
/// </summary>
public sealed class Settings : IDisposable
{
    private const string SecretKind = "secret/";
    private const string VariableKind = "env/";
    private const string ApiKeyKind = "apikey/";
    private const string StarKind = "star/";
    private const string VaultKind = "vault/";

    private const string ApiKeyPrefix = "lbk_";
    private const int MostApiKeys = 1000;

    private readonly SettingsStore _store;
    private readonly ImmutableSortedDictionary<string, string> _startupSecrets;
    private readonly byte[] _idSecret;
    private readonly TimeProvider _time;
    private volatile Known _known = Known.Nothing;

    /// <param name="idSecret">What a key is derived from that is made with an <c>Idempotency-Key</c>.</param>
    /// <param name="startupSecrets">Secrets that this server was started with (<c>LB_*</c>), by name: they can be used and not changed.</param>
    internal Settings(SettingsStore store, ImmutableSortedDictionary<string, string> startupSecrets, byte[] idSecret, TimeProvider time)
    {
        _store = store;
        _startupSecrets = startupSecrets;
        _idSecret = idSecret;
        _time = time;
        store.Changed += Refresh;
        Refresh();
    }

    /// <summary>Raised, on any thread, after anything changed on any node. Handlers return at once.</summary>
    public event Action? Changed;

    /// <summary>Why nothing can be changed on this node now; null when it can.</summary>
    public string? Refusal => _store.Refusal;

    /// <summary>Values of the workspace's secrets by name. Those of this server's start win over stored ones.</summary>
    public ImmutableSortedDictionary<string, string> Secrets => _known.Secrets;

    /// <summary>Variables for code by name.</summary>
    public ImmutableSortedDictionary<string, string> Variables => _known.Variables;

    /// <summary>Keys of the API, newest first, without what lets in.</summary>
    public ImmutableArray<ApiKeyInfo> ApiKeys => _known.ApiKeys;

    public ImmutableArray<StarredNotebook> Starred => _known.Starred;

    /// <summary>Whether a secret comes from this server's start and cannot be changed.</summary>
    public bool IsStartupSecret(string name) => _startupSecrets.ContainsKey(name);

    /// <exception cref="SettingsRefusedException">It cannot be set, or not now.</exception>
    public Task SetSecretAsync(string name, string value, CancellationToken stop)
    {
        RefuseStartup(name);
        return ChangeAsync(SecretKind + name, Encoding.UTF8.GetBytes(value), stop);
    }

    /// <exception cref="SettingsRefusedException">It cannot be deleted, or not now.</exception>
    public Task DeleteSecretAsync(string name, CancellationToken stop)
    {
        RefuseStartup(name);
        return ChangeAsync(SecretKind + name, null, stop);
    }

    /// <exception cref="SettingsRefusedException">Not now.</exception>
    public Task SetVariableAsync(string name, string value, CancellationToken stop) =>
        value.Contains('\0', StringComparison.Ordinal)
            ? throw new SettingsRefusedException("invalid", "The value of a variable cannot hold a zero character.")
            : ChangeAsync(VariableKind + name, Encoding.UTF8.GetBytes(value), stop);

    /// <exception cref="SettingsRefusedException">Not now.</exception>
    public Task DeleteVariableAsync(string name, CancellationToken stop) => ChangeAsync(VariableKind + name, null, stop);

    /// <summary>Makes a key for the API. The answer is the only time that the key itself is seen: its hash is kept.</summary>
    /// <exception cref="SettingsRefusedException">Not now.</exception>
    /// <param name="requestKey">An <c>Idempotency-Key</c>: the same one gives the same key.</param>
    public async Task<NewApiKey> MakeApiKeyAsync(string name, string? requestKey, CancellationToken stop)
    {
        var id = Convert.ToHexStringLower(Bytes("id", 8));
        var key = $"{ApiKeyPrefix}{id}_{Convert.ToHexStringLower(Bytes("key", 24))}";
        if (_known.ApiKeys.FirstOrDefault(made => made.Id == id) is { } made)
            return new NewApiKey(id, key, made.Name, made.CreatedAt);
        if (_known.ApiKeys.Length >= MostApiKeys)
            throw new SettingsRefusedException("invalid", $"There are {MostApiKeys} keys already. Delete some first.");
        var stored = new StoredApiKey(name, HashOf(key), _time.GetUtcNow());
        await ChangeAsync(ApiKeyKind + id, JsonSerializer.SerializeToUtf8Bytes(stored, SettingsJson.Default.StoredApiKey), stop);
        return new NewApiKey(id, key, name, stored.CreatedAt);

        byte[] Bytes(string purpose, int count) =>
            requestKey is null
                ? RandomNumberGenerator.GetBytes(count)
                : HMACSHA256.HashData(_idSecret, Encoding.UTF8.GetBytes($"api-key/{purpose}/{requestKey}"))[..count];
    }

    /// <exception cref="SettingsRefusedException">Not now.</exception>
    public Task DeleteApiKeyAsync(string id, CancellationToken stop) => ChangeAsync(ApiKeyKind + id, null, stop);

    /// <summary>Whether this is a key that was made in the settings, on whichever node.</summary>
    public bool AcceptsApiKey(string key)
    {
        var end = key.StartsWith(ApiKeyPrefix, StringComparison.Ordinal) ? key.LastIndexOf('_') : -1;
        return end > ApiKeyPrefix.Length
            && _known.ApiKeyHashes.TryGetValue(key[ApiKeyPrefix.Length..end], out var hash)
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(HashOf(key)), Encoding.ASCII.GetBytes(hash));
    }

    /// <summary>Marks a notebook file so that the home page offers it.</summary>
    /// <exception cref="SettingsRefusedException">Not now.</exception>
    public Task StarAsync(string node, string path, string name, CancellationToken stop) =>
        ChangeAsync(
            StarKind + StarId(node, path),
            JsonSerializer.SerializeToUtf8Bytes(new StarredNotebook(node, path, name, _time.GetUtcNow()), SettingsJson.Default.StarredNotebook),
            stop
        );

    /// <exception cref="SettingsRefusedException">Not now.</exception>
    public Task UnstarAsync(string node, string path, CancellationToken stop) => ChangeAsync(StarKind + StarId(node, path), null, stop);

    /// <summary>Encrypts a secret of a session, whose log must not hold it, with a key that all nodes have and that lies encrypted on their disks.</summary>
    /// <exception cref="SettingsRefusedException">There is no such key yet, and none can be made now.</exception>
    public async Task<string> SealForSessionAsync(string session, string name, string value, CancellationToken stop)
    {
        if (_known.Vault.IsEmpty)
            await ChangeAsync(VaultKind + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), RandomNumberGenerator.GetBytes(32), stop);
        var (id, key) = _known.Vault.First();
        return SealedText.Seal(id, key, PlaceOf(session, name), value);
    }

    /// <summary>The value, or null when it was not sealed for this session and name, or cannot be read here (yet).</summary>
    public string? OpenForSession(string session, string name, string sealedText) => SealedText.Open(_known.Vault, PlaceOf(session, name), sealedText);

    private static string PlaceOf(string session, string name) => $"session/{session}/{name}";

    public void Dispose() => _store.Changed -= Refresh;

    private void RefuseStartup(string name)
    {
        if (_startupSecrets.ContainsKey(name))
            throw new SettingsRefusedException("invalid", $"{name} comes from the variable LB_{name} that the server was started with, and is changed there.");
    }

    private Task ChangeAsync(string key, byte[]? value, CancellationToken stop) =>
        _store.ChangeAsync(
            new Dictionary<string, ReadOnlyMemory<byte>?>(StringComparer.Ordinal) { [key] = value is null ? (ReadOnlyMemory<byte>?)null : value },
            stop
        );

    private static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static string StarId(string node, string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{node}\n{path}")))[..32];

    private void Refresh()
    {
        _known = Known.Of(_store.Values, _startupSecrets);
        Changed?.Invoke();
    }

    /// <summary>The store's bytes, read. What a newer build wrote in another form is passed over.</summary>
    private sealed record Known(
        ImmutableSortedDictionary<string, string> Secrets,
        ImmutableSortedDictionary<string, string> Variables,
        ImmutableArray<ApiKeyInfo> ApiKeys,
        ImmutableDictionary<string, string> ApiKeyHashes,
        ImmutableArray<StarredNotebook> Starred,
        ImmutableSortedDictionary<string, byte[]> Vault
    )
    {
        private static readonly ImmutableSortedDictionary<string, string> NoTexts = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

        public static readonly Known Nothing = Of([], NoTexts);

        public static Known Of(IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> values, ImmutableSortedDictionary<string, string> startupSecrets)
        {
            var all = values.ToList();
            IEnumerable<(string Id, ReadOnlyMemory<byte> Value)> OfKind(string kind) =>
                all.Where(entry => entry.Key.StartsWith(kind, StringComparison.Ordinal)).Select(entry => (entry.Key[kind.Length..], entry.Value));
            ImmutableSortedDictionary<string, string> Texts(string kind) =>
                NoTexts.AddRange(OfKind(kind).Select(entry => KeyValuePair.Create(entry.Id, Encoding.UTF8.GetString(entry.Value.Span))));
            var keys = OfKind(ApiKeyKind)
                .Select(entry => (entry.Id, Key: Read(entry.Value, SettingsJson.Default.StoredApiKey)))
                .Where(entry => entry.Key is not null)
                .ToList();
            return new Known(
                Texts(SecretKind).SetItems(startupSecrets),
                Texts(VariableKind),
                [.. keys.OrderByDescending(entry => entry.Key!.CreatedAt).Select(entry => new ApiKeyInfo(entry.Id, entry.Key!.Name, entry.Key.CreatedAt))],
                keys.ToImmutableDictionary(entry => entry.Id, entry => entry.Key!.Hash, StringComparer.Ordinal),
                [
                    .. OfKind(StarKind)
                        .Select(entry => Read(entry.Value, SettingsJson.Default.StarredNotebook))
                        .OfType<StarredNotebook>()
                        .OrderBy(star => star.StarredAt),
                ],
                ImmutableSortedDictionary
                    .Create<string, byte[]>(StringComparer.Ordinal)
                    .AddRange(OfKind(VaultKind).Where(entry => entry.Value.Length == 32).Select(entry => KeyValuePair.Create(entry.Id, entry.Value.ToArray())))
            );
        }

        private static T? Read<T>(ReadOnlyMemory<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
            where T : class
        {
            try
            {
                return JsonSerializer.Deserialize(json.Span, type);
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}

/// <summary>A key of the API, without what lets in.</summary>
public sealed record ApiKeyInfo(string Id, string Name, DateTimeOffset CreatedAt);

/// <param name="Key">Shown once.</param>
public sealed record NewApiKey(string Id, string Key, string Name, DateTimeOffset CreatedAt);

/// <summary>A notebook file that the home page offers.</summary>
public sealed record StarredNotebook(string Node, string Path, string Name, DateTimeOffset StarredAt);

/// <param name="Hash">Lower-case hex SHA-256 of the key, which has 192 random bits.</param>
internal sealed record StoredApiKey(string Name, string Hash, DateTimeOffset CreatedAt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(StoredApiKey))]
[JsonSerializable(typeof(StarredNotebook))]
internal sealed partial class SettingsJson : JsonSerializerContext;
