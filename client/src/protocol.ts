// Generated from the server's serializer by the tests of Livebook.Core (LIVEBOOK_UPDATE=1 writes it anew). Do not edit.

export type ClientMessage =
  | JoinSession
  | WatchHome
  | Submit
  | ReportPresence
  | Ping;

export type ServerMessage =
  | Joined
  | Entries
  | Accepted
  | Refused
  | Presence
  | Home
  | Pong
  | Condition
  | Resync
  | Gone;

export interface JoinSession {
  readonly type: "join";
  readonly session: string;
  readonly client: string;
  readonly userName: string;
  readonly userColor: string;
  readonly epoch?: number | null;
  readonly version?: number | null;
  readonly texts?: { readonly [key: string]: number } | null;
}

export interface WatchHome {
  readonly type: "watch_home";
}

export interface Submit {
  readonly type: "submit";
  readonly ref: number;
  readonly operation: ClientOperation;
}

export interface ReportPresence {
  readonly type: "presence";
  readonly cell: string | null;
  readonly revision: number;
  readonly ranges: readonly SelectionRange[];
}

export interface Ping {
  readonly type: "ping";
  readonly at: number;
}

export interface Joined {
  readonly type: "joined";
  readonly session: string;
  readonly epoch: number;
  readonly version: number;
  readonly node: string;
  readonly owner: string;
  readonly standby: string | null;
  readonly view: SessionView | null;
  readonly texts: { readonly [key: string]: TextState } | null;
  readonly clients: { readonly [key: string]: PresenceView };
}

export interface Entries {
  readonly type: "entries";
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  readonly items: readonly StreamEntry[];
}

export interface Accepted {
  readonly type: "accepted";
  readonly ref: number;
  readonly version: number;
}

export interface Refused {
  readonly type: "refused";
  readonly ref: number;
  readonly reason: string;
}

export interface Presence {
  readonly type: "presence";
  readonly clients: { readonly [key: string]: PresenceView | null };
}

export interface Home {
  readonly type: "home";
  readonly sessions: readonly SessionSummary[];
  readonly cluster: ClusterView;
}

export interface Pong {
  readonly type: "pong";
  readonly at: number;
}

export interface Condition {
  readonly type: "condition";
  readonly status: string;
  readonly ownerReachable: boolean;
  readonly node: string;
  readonly owner: string;
  readonly standby: string | null;
  readonly message: string | null;
}

export interface Resync {
  readonly type: "resync";
  readonly reason: string;
}

export interface Gone {
  readonly type: "gone";
  readonly reason: string;
}

export type ClientOperation =
  | RenameNotebook
  | SetNotebook
  | InsertSection
  | RenameSection
  | DeleteSection
  | MoveSection
  | SetSectionParent
  | InsertCell
  | DeleteCell
  | RestoreCell
  | MoveCell
  | SetCell
  | EditText
  | PatchText
  | Evaluate
  | Cancel
  | EraseOutputs
  | RestartRuntime
  | DisconnectRuntime
  | SetFile
  | Save
  | ResolveFileConflict
  | DismissNotice
  | DeleteAttachment
  | RenameAttachment
  | SetSecret
  | DeleteSecret
  | AllowSecret;

export interface SelectionRange {
  readonly anchor: number;
  readonly head: number;
}

export interface SessionView {
  readonly id: string;
  readonly name: string;
  readonly persistOutputs: boolean;
  readonly autosaveSeconds: number;
  readonly defaultLanguage: string;
  readonly sectionOrder: readonly string[];
  readonly sections: { readonly [key: string]: SectionView };
  readonly cells: { readonly [key: string]: CellView };
  readonly file: FileView;
  readonly runtime: RuntimeView;
  readonly bin: { readonly [key: string]: BinView };
  readonly notices: { readonly [key: string]: NoticeView };
  readonly fileEntries: { readonly [key: string]: FileEntryView };
  readonly secrets: { readonly [key: string]: string };
}

export interface TextState {
  readonly revision: number;
  readonly text: string | null;
  readonly updates?: readonly TextUpdate[] | null;
}

export interface PresenceView {
  readonly name: string;
  readonly color: string;
  readonly cell: string | null;
  readonly revision: number;
  readonly ranges: readonly SelectionRange[];
}

export type StreamEntry =
  | Patched
  | TextChanged
  | TextReplaced;

export interface SessionSummary {
  readonly id: string;
  readonly name: string;
  readonly file: string | null;
  readonly version: number;
  readonly node: string;
  readonly standby: string | null;
  readonly epoch: number;
  readonly createdAt: string;
  readonly clients: number;
  readonly runtime: string;
  readonly memoryBytes: number;
  readonly evaluating: number;
  readonly queued: number;
  readonly stale: number;
  readonly failed: number;
  readonly evaluated: number;
}

export interface ClusterView {
  readonly self: string;
  readonly status: string;
  readonly nodes: readonly NodeView[];
}

export interface RenameNotebook {
  readonly op: "rename_notebook";
  readonly name: string;
}

export interface SetNotebook {
  readonly op: "set_notebook";
  readonly persistOutputs?: boolean | null;
  readonly autosaveSeconds?: number | null;
  readonly defaultLanguage?: string | null;
}

export interface InsertSection {
  readonly op: "insert_section";
  readonly section: string;
  readonly after?: string | null;
  readonly index?: number | null;
  readonly name?: string | null;
  readonly parent?: string | null;
}

export interface RenameSection {
  readonly op: "rename_section";
  readonly section: string;
  readonly name: string;
}

export interface DeleteSection {
  readonly op: "delete_section";
  readonly section: string;
  readonly deleteCells: boolean;
}

export interface MoveSection {
  readonly op: "move_section";
  readonly section: string;
  readonly offset: number;
}

export interface SetSectionParent {
  readonly op: "set_section_parent";
  readonly section: string;
  readonly parent: string | null;
}

export interface InsertCell {
  readonly op: "insert_cell";
  readonly cell: string;
  readonly section: string;
  readonly index?: number | null;
  readonly kind?: string;
  readonly language?: string | null;
  readonly source?: string;
}

export interface DeleteCell {
  readonly op: "delete_cell";
  readonly cell: string;
}

export interface RestoreCell {
  readonly op: "restore_cell";
  readonly cell: string;
}

export interface MoveCell {
  readonly op: "move_cell";
  readonly cell: string;
  readonly offset?: number;
  readonly section?: string | null;
  readonly index?: number | null;
}

export interface SetCell {
  readonly op: "set_cell";
  readonly cell: string;
  readonly language?: string | null;
  readonly reevaluateAutomatically?: boolean | null;
  readonly continueOnError?: boolean | null;
  readonly outputSize?: OutputSize | null;
}

export interface EditText {
  readonly op: "edit_text";
  readonly cell: string;
  readonly editor: string;
  readonly revision: number;
  readonly updates: readonly ChangeSet[];
}

export interface PatchText {
  readonly op: "patch_text";
  readonly cell: string;
  readonly editor: string;
  readonly source?: string | null;
  readonly edits?: readonly TextEdit[] | null;
  readonly append?: string | null;
  readonly revision?: number | null;
}

export interface Evaluate {
  readonly op: "evaluate";
  readonly cells: readonly string[];
  readonly scope?: string;
  readonly section?: string | null;
}

export interface Cancel {
  readonly op: "cancel";
  readonly cell?: string | null;
}

export interface EraseOutputs {
  readonly op: "erase_outputs";
  readonly cell?: string | null;
}

export interface RestartRuntime {
  readonly op: "restart_runtime";
}

export interface DisconnectRuntime {
  readonly op: "disconnect_runtime";
}

export interface SetFile {
  readonly op: "set_file";
  readonly path: string | null;
  readonly node?: string | null;
}

export interface Save {
  readonly op: "save";
}

export interface ResolveFileConflict {
  readonly op: "resolve_file_conflict";
  readonly choice: string;
}

export interface DismissNotice {
  readonly op: "dismiss_notice";
  readonly notice: string;
}

export interface DeleteAttachment {
  readonly op: "delete_attachment";
  readonly name: string;
}

export interface RenameAttachment {
  readonly op: "rename_attachment";
  readonly name: string;
  readonly newName: string;
}

export interface SetSecret {
  readonly op: "set_secret";
  readonly name: string;
  readonly sealed: string;
}

export interface DeleteSecret {
  readonly op: "delete_secret";
  readonly name: string;
}

export interface AllowSecret {
  readonly op: "allow_secret";
  readonly name: string;
  readonly allowed: boolean;
}

export interface SectionView {
  readonly name: string;
  readonly parent: string | null;
  readonly cells: readonly string[];
}

export interface CellView {
  readonly kind: string;
  readonly section: string;
  readonly language?: string | null;
  readonly status: string;
  readonly validity: string;
  readonly errored: boolean;
  readonly changed: boolean;
  readonly evaluations: number;
  readonly startedAt?: string | null;
  readonly durationMs?: number | null;
  readonly progress?: string | null;
  readonly reevaluateAutomatically: boolean;
  readonly continueOnError: boolean;
  readonly outputSize: OutputSize;
  readonly outputOrder: readonly string[];
  readonly outputs: { readonly [key: string]: OutputView };
  readonly diagnostics: readonly Diagnostic[];
  readonly diagnosticsRevision: number;
}

export interface FileView {
  readonly state: string;
  readonly node: string | null;
  readonly path: string | null;
  readonly savedAt: string | null;
  readonly message: string | null;
}

export interface RuntimeView {
  readonly status: string;
  readonly node: string | null;
  readonly pid: number | null;
  readonly framework: string | null;
  readonly memoryBytes: number;
  readonly message: string | null;
}

export interface BinView {
  readonly kind: string;
  readonly language: string | null;
  readonly source: string;
  readonly sectionName: string;
  readonly deletedAt: string;
}

export interface NoticeView {
  readonly level: string;
  readonly text: string;
}

export interface FileEntryView {
  readonly kind: string;
  readonly size: number;
  readonly hash: string | null;
  readonly location: string | null;
}

export interface TextUpdate {
  readonly editor: string;
  readonly changes: ChangeSet;
}

export interface Patched {
  readonly k: "p";
  readonly ops: Patch;
}

export interface TextChanged {
  readonly k: "t";
  readonly cell: string;
  readonly editor: string;
  readonly changes: ChangeSet;
}

export interface TextReplaced {
  readonly k: "r";
  readonly cell: string;
  readonly revision: number;
  readonly text: string;
}

export interface NodeView {
  readonly name: string;
  readonly address: string;
  readonly version: string;
  readonly status: string;
  readonly sessions: number;
  readonly startedAt: string;
}

export type OutputSize = "default" | "wide" | "full";

export type ChangeSet = readonly (number | readonly [number, ...string[]])[];

export interface TextEdit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

export interface OutputView {
  readonly kind: OutputKind;
  readonly chunks?: readonly string[] | null;
  readonly cut: number;
  readonly data?: { readonly [key: string]: OutputData } | null;
  readonly error?: ErrorDetails | null;
}

export interface Diagnostic {
  readonly severity: DiagnosticSeverity;
  readonly from: number;
  readonly to: number;
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

export type Patch = readonly (
  | readonly ["s", readonly string[], unknown]
  | readonly ["d", readonly string[]]
  | readonly ["a", readonly string[], readonly unknown[]]
  | readonly ["x", readonly string[], number, number, readonly unknown[]]
)[];

export type OutputKind = "stdout" | "stderr" | "result" | "display" | "error" | "warning";

export interface OutputData {
  readonly value: string | null;
  readonly hash?: string | null;
  readonly size: number;
}

export interface ErrorDetails {
  readonly type: string;
  readonly message: string;
  readonly line: number | null;
  readonly trace: readonly TraceFrame[];
}

export type DiagnosticSeverity = "hint" | "info" | "warning" | "error";

export interface TraceFrame {
  readonly method: string;
  readonly cell: string | null;
  readonly line: number | null;
}
