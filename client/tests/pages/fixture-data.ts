import type { CellView, ClusterView, OutputView, PresenceView, SessionSummary, SessionView } from "../../src/protocol";

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

export const texts: Record<string, string> = {
  setup: '#r "nuget: Npgsql, 9.0.2"\n#r "nuget: Dapper, 2.1.35"',
  intro: `Checkout got slower on **Tuesday after the 14:00 release**. This notebook loads a week of traces, finds the slow step, and tries a fix on a branch. We look at the 95th percentile, $p_{95}$, and at the share of time spent waiting for locks:

$$w = \\frac{\\sum_{i=1}^{n} t_{\\text{lock},i}}{\\sum_{i=1}^{n} t_i} \\le 0.05$$

| Step | Week 46 | Week 47 | Budget |
| --- | ---: | ---: | --- |
| Validate basket | 12 ms | 12 ms | 20 ms |
| Reserve stock | 61 ms | 243 ms | 80 ms |
| Take payment | 118 ms | 121 ms | 150 ms |

- [x] Load the traces
- [ ] Find the slow step, see [the guide](https://example.org/guide)

\`\`\`csharp
var answer = 42; // said once
\`\`\``,
  load: `var week = new Week(2026, 47);
await using var db = NpgsqlDataSource.Create(Secrets["TRACES_DB"]);

// one row per checkout; spans stay in the database
var orders = await db.QueryAsync<Order>($"""
    select * from checkout_traces where iso_week = {week}
    """);
Console.WriteLine($"{orders.Count:N0} orders");
orders`,
  peak: "The evening peak doubled. **Reserve stock** holds a row lock while it waits for the warehouse service.\n\n```mermaid\nflowchart LR\n  basket[Basket] --> stock[Reserve stock] --> pay[Take payment]\n```",
  run: "await foreach (var batch in Simulate(orders, locks: true))\n    Progress.Report(batch.Index, of: 400);",
  wait: "var withLocks = await Summarise(simulation);",
  worst: 'var worstDay = orders.GroupBy(o => o.Placed.Date).MaxBy(g => g.P95())!.Key;\nworstDay.ToString("dddd d MMMM")',
  budget: 'var budget = new Dictionary<string, int> { ["take_payment"] = 150 };\nforeach (var s in slow)\n    Console.WriteLine($"{s.Step} {s.P95 / budget[s.Step]:P0}");',
  report: "var report = Render(slow, budget);",
  form: 'var ttl = Input.Range("Reservation lives, s", min: 5, max: 120, value: 45);\nttl',
  lines: "foreach (var line in await Replay(ttl, shops)) Console.WriteLine(line);",
  json: 'JsonSerializer.SerializeToNode(slow[0])',
  next: "",
};

const base: CellView = {
  kind: "code",
  section: "load-section",
  language: "csharp",
  status: "ready",
  validity: "evaluated",
  errored: false,
  changed: false,
  evaluations: 1,
  durationMs: 832,
  reevaluateAutomatically: false,
  continueOnError: false,
  outputSize: "default",
  outputOrder: [],
  outputs: {},
  diagnostics: [],
  diagnosticsRevision: 0,
};

const text = (kind: OutputView["kind"], ...chunks: string[]): OutputView => ({ kind, chunks, cut: 0 });
const data = (kind: OutputView["kind"], values: Record<string, string>): OutputView => ({
  kind,
  cut: 0,
  data: Object.fromEntries(Object.entries(values).map(([mime, value]) => [mime, { value, size: value.length }])),
});

function code(section: string, rest: Partial<CellView> = {}, outputs: OutputView[] = []): CellView {
  const ids = outputs.map((_, index) => `o${index}`);
  return { ...base, section, ...rest, outputOrder: ids, outputs: Object.fromEntries(ids.map((id, index) => [id, outputs[index]!])) };
}

const markdown = (section: string): CellView => ({ ...base, kind: "markdown", language: null, section, validity: "fresh", durationMs: null });

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="120" viewBox="0 0 600 120"><path d="M0 100 60 90 120 95 180 60 240 70 300 30 360 50 420 20 480 45 540 40 600 55" fill="none" stroke="#007796" stroke-width="2"/></svg>`;
const table =
  "<table><thead><tr><th>Id</th><th>Placed</th><th>Country</th><th>Total</th></tr></thead><tbody>" +
  [88412, 88413, 90112, 90240]
    .map((id, index) => `<tr><td>${id}</td><td>Tue 17 Nov 18:0${index}</td><td>${["DE", "FR", "DE", "NL"][index]}</td><td>${(128.4 + index * 17).toFixed(2)}</td></tr>`)
    .join("") +
  "</tbody></table>";
const log = Array.from({ length: 4096 }, (_, index) => `${String(index + 1).padStart(5, "0")} basket \x1b[36m${88412 + index}\x1b[0m reserve ${index % 7 === 3 ? "\x1b[33m97 ms over budget\x1b[0m" : index % 11 === 5 ? "\x1b[1;31mtimeout\x1b[0m" : "\x1b[32m42 ms\x1b[0m"}\n`);

const cells = (): Record<string, CellView> => ({
  setup: code("setup-section", { durationMs: 1400 }),
  intro: markdown("intro-section"),
  load: code("load-section", {}, [
    text("stdout", "\x1b[90m14:02:11\x1b[0m \x1b[36mconnect\x1b[0m  traces-replica:5432 \x1b[32mok\x1b[0m 18 ms\n", "loading 10 %\rloading 100 %\n", "\x1b[1m12,480 orders\x1b[0m\n"),
    data("result", { "text/html": table, "text/plain": "4 rows" }),
  ]),
  peak: markdown("slow-section"),
  run: code("slow-section", { status: "evaluating", startedAt: new Date(Date.now() - 12_400).toISOString(), durationMs: null }, [text("stdout", "Simulating batch 148 of 400\n")]),
  wait: code("slow-section", { status: "queued", validity: "fresh", durationMs: null }),
  worst: code("slow-section", { validity: "stale", durationMs: 24 }, [data("result", { "text/plain": '"Tuesday 17 November"', "text/x-ansi": '\x1b[32m"Tuesday 17 November"\x1b[0m' })]),
  budget: code(
    "slow-section",
    { errored: true, durationMs: 8, diagnostics: [{ severity: "error", from: 124, to: 138, line: 3, code: "CS0103", message: "The key may be missing." }] },
    [
      {
        kind: "error",
        cut: 0,
        data: { "text/plain": { value: "KeyNotFoundException", size: 20 } },
        error: {
          type: "System.Collections.Generic.KeyNotFoundException",
          message: "The given key 'reserve_stock' was not present in the dictionary.",
          line: 3,
          trace: [
            { method: "Dictionary<TKey, TValue>.get_Item(TKey key)", cell: null, line: null },
            { method: "Main()", cell: "budget", line: 3 },
            { method: "Main()", cell: "load", line: 5 },
          ],
        },
      },
    ],
  ),
  report: code("slow-section", { validity: "aborted", durationMs: null }),
  form: code("fix-section", { changed: true, durationMs: 22 }, [data("display", { "image/svg+xml": svg, "text/plain": "p95 latency by hour" })]),
  lines: code("fix-section", { durationMs: 3900 }, [text("stdout", ...log), text("stderr", "warn: 12 baskets had no warehouse\n"), { kind: "warning", cut: 0, data: { "text/plain": { value: "Dapper 2.1.28 was replaced by 2.1.35.", size: 30 } } }]),
  json: code("fix-section", { durationMs: 12 }, [data("result", { "application/json": '{"step":"reserve_stock","p95":243.1,"worst":[{"ms":1980}]}', "text/plain": "{}" }), data("result", { "text/latex": "$$\\int_0^1 x^2\\,dx = \\tfrac13$$", "text/plain": "1/3" })]),
  next: code("next-section", { validity: "fresh", durationMs: null, evaluations: 0 }),
});

export function viewOf(state: string): SessionView {
  const conflict = state === "conflict";
  const view: SessionView = {
    id: "demo",
    name: "Checkout latency, week 47",
    persistOutputs: true,
    autosaveSeconds: 5,
    defaultLanguage: "csharp",
    sectionOrder: ["setup-section", "intro-section", "load-section", "slow-section", "fix-section", "next-section"],
    sections: {
      "setup-section": { name: "Setup", parent: null, cells: ["setup"] },
      "intro-section": { name: "What happened", parent: null, cells: ["intro"] },
      "load-section": { name: "Load traces", parent: null, cells: ["load"] },
      "slow-section": { name: "Find the slow step", parent: null, cells: ["peak", "run", "wait", "worst", "budget", "report"] },
      "fix-section": { name: "What if we reserve without the lock", parent: "load-section", cells: ["form", "lines", "json"] },
      "next-section": { name: "Write the fix", parent: null, cells: ["next"] },
    },
    cells: cells(),
    file: conflict
      ? { state: "changed_outside", node: "node-b", path: "/data/notebooks/latency/week-47.livemd", savedAt: minutesAgo(4), message: null }
      : { state: "saved", node: "node-b", path: "/data/notebooks/latency/week-47.livemd", savedAt: minutesAgo(2), message: null },
    runtime: { status: "busy", node: "node-b", pid: 4127, framework: ".NET 10.0.1", memoryBytes: 412 * 1024 ** 2, message: null },
    fileEntries: {
      "orders.csv": { kind: "attachment", size: 212_000, hash: "0".repeat(64), location: null },
      "timeline.png": { kind: "attachment", size: 4_100_000, hash: "1".repeat(64), location: null },
      "traces.csv": { kind: "url", size: 0, hash: null, location: "https://example.org/traces.csv" },
    },
    bin: {
      old: { kind: "code", language: "csharp", source: "var draft = orders.Take(10);\ndraft", sectionName: "Load traces", deletedAt: minutesAgo(12) },
    },
    secrets: {},
    notices: conflict ? { "import-0": { level: "warning", text: "The output of cell 4 was left out: its type is not known." } } : {},
  };
  if (state === "plain") {
    return {
      ...view,
      name: "Untitled notebook",
      sectionOrder: ["setup-section", "next-section"],
      file: { state: "none", node: null, path: null, savedAt: null, message: null },
      runtime: { status: "off", node: null, pid: null, framework: null, memoryBytes: 0, message: null },
      bin: {},
      fileEntries: {},
    };
  }
  return view;
}

export const people: Record<string, PresenceView> = {
  me: { name: "Mira", color: "6", cell: "load", revision: 0, ranges: [] },
  priya: { name: "Priya", color: "10", cell: "load", revision: 0, ranges: [{ anchor: 40, head: 40 }] },
  jonas: { name: "Jonas", color: "2", cell: "form", revision: 0, ranges: [{ anchor: 8, head: 12 }] },
  sam: { name: "Sam", color: "4", cell: null, revision: 0, ranges: [] },
};

const summary = (rest: Partial<SessionSummary>): SessionSummary => ({
  id: "demo",
  name: "Notebook",
  file: null,
  version: 1,
  node: "node-a",
  standby: "node-b",
  epoch: 1,
  createdAt: minutesAgo(120),
  clients: 0,
  runtime: "idle",
  memoryBytes: 0,
  evaluating: 0,
  queued: 0,
  stale: 0,
  failed: 0,
  evaluated: 0,
  ...rest,
});

export const sessions: SessionSummary[] = [
  summary({ id: "a", name: "Checkout latency, week 47", file: "/data/notebooks/latency/week-47.livemd", node: "node-b", clients: 4, evaluating: 1, evaluated: 6, memoryBytes: 412 * 1024 ** 2 }),
  summary({ id: "b", name: "Nightly invoice check", file: "/data/notebooks/finance/invoices.livemd", clients: 1, evaluated: 9, memoryBytes: 268 * 1024 ** 2, createdAt: minutesAgo(38) }),
  summary({ id: "c", name: "Churn by cohort", file: "/data/notebooks/research/churn.livemd", node: "node-c", stale: 2, evaluated: 4, memoryBytes: 731 * 1024 ** 2, createdAt: minutesAgo(300) }),
  summary({ id: "d", name: "Untitled notebook", clients: 1, runtime: "off", createdAt: minutesAgo(4) }),
  summary({ id: "e", name: "Warehouse import", file: "/data/notebooks/ops/import.livemd", node: "node-c", clients: 2, failed: 1, evaluated: 3, memoryBytes: 355 * 1024 ** 2, createdAt: minutesAgo(65) }),
];

export const clusterOf = (state: string): ClusterView => ({
  self: "node-a",
  status: state === "minority" ? "minority" : "member",
  nodes: [
    { name: "node-a", address: "10.0.0.1:8080", version: "0.1.0", status: "up", sessions: 2, startedAt: minutesAgo(9000) },
    { name: "node-b", address: "10.0.0.2:8080", version: "0.1.0", status: "up", sessions: 1, startedAt: minutesAgo(9000) },
    { name: "node-c", address: "10.0.0.3:8080", version: "0.1.0", status: state === "minority" ? "unreachable" : "up", sessions: 2, startedAt: minutesAgo(900) },
  ],
});
