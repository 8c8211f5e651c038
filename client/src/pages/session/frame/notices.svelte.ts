import { slow } from "../../../components/clock.svelte";
import { plural } from "../../../components/format";
import { toasts } from "../../../components/toasts.svelte";
import type { Commands } from "../commands";
import type { PageState } from "../page-state.svelte";

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

export interface PageNotice {
  readonly id: string;
  readonly level: "info" | "live" | "warn" | "bad";
  readonly icon: "offline" | "lock" | "warning" | "info";
  readonly title: string;
  readonly text: string;
  readonly actions: readonly NoticeAction[];
  /** Only for what goes away by being read. */
  readonly dismiss?: () => void;
}

/** From this on a lost connection is said over the text, not only in the foot. */
const quietForMs = 3000;

/** What the page has to say, gravest first. */
export function noticesOf(page: PageState, commands: Commands): PageNotice[] {
  const { store } = page;
  return [
    ...connectionNotices(page),
    ...store.orphans.map(
      (orphan, index): PageNotice => ({
        id: `orphan-${index}-${orphan.cell}`,
        level: "warn",
        icon: "warning",
        title: "Text could not be sent.",
        text: `What you wrote in ${page.nameOf(orphan.cell)} has no place any more: “${orphan.text.trim().slice(0, 80)}”.`,
        actions: [
          { label: "Keep the cell", run: () => void commands.keep(orphan) },
          {
            label: "Copy text",
            run: () => void navigator.clipboard.writeText(orphan.text).then(() => toasts.show("The text is on the clipboard.")),
          },
        ],
        dismiss: () => store.dismissOrphan(orphan),
      }),
    ),
    ...fileNotices(page, commands),
    ...runtimeNotices(page, commands),
    ...store.refusals.map(
      (refusal): PageNotice => ({
        id: refusal.id,
        level: "warn",
        icon: "warning",
        title: "Not done.",
        text: refusal.reason,
        actions: [],
        dismiss: () => store.dismissRefusal(refusal.id),
      }),
    ),
    ...Object.entries(store.view?.notices ?? {}).map(
      ([id, notice]): PageNotice => ({
        id,
        level: notice.level === "error" ? "bad" : notice.level === "warning" ? "warn" : "live",
        icon: notice.level === "info" ? "info" : "warning",
        title: "",
        text: notice.text,
        actions: [],
        dismiss: () => void commands.submit({ op: "dismiss_notice", notice: id }),
      }),
    ),
  ];
}

function connectionNotices({ store }: PageState): PageNotice[] {
  const { connection } = store;
  if (connection.state === "gone") {
    return [
      {
        id: "gone",
        level: "bad",
        icon: "lock",
        title: "This session is closed.",
        text: `${sentence(connection.goneReason ?? "It does not run any more")} What could not be sent is listed here.`,
        actions: [],
      },
    ];
  }
  if (connection.status === "minority") {
    return [
      {
        id: "minority",
        level: "bad",
        icon: "lock",
        title: "Read only for now.",
        text:
          connection.message ??
          `This node does not reach most of the cluster, so it accepts no edits. ${connection.waiting > 0 ? `${plural(connection.waiting, "edit")} ${connection.waiting === 1 ? "waits" : "wait"} here and ${connection.waiting === 1 ? "is" : "are"} sent when it does. ` : ""}Open the notebook on another node to go on.`,
        actions: [],
      },
    ];
  }
  if ((connection.state === "reconnecting" && connection.moving && slow.now - connection.since < quietForMs) || (connection.state === "live" && connection.status === "draining")) {
    return [
      {
        id: "moving",
        level: "live",
        icon: "info",
        title: "Moving to another node.",
        text: `${connection.node} is about to stop. Keep typing: nothing is lost.`,
        actions: [],
      },
    ];
  }
  if (connection.state === "connecting" && connection.message) {
    return [{ id: "away", level: "warn", icon: "offline", title: "Waiting for the session’s node.", text: connection.message, actions: [] }];
  }
  if (connection.state === "live" && connection.silent) {
    return [
      {
        id: "silent",
        level: "warn",
        icon: "offline",
        title: "No answer.",
        text: `Nothing is confirmed at the moment: ${connection.node || "the node"} is silent. Keep typing: edits wait here and are sent when it answers, or through another node.`,
        actions: [],
      },
    ];
  }
  if (connection.state === "reconnecting" && slow.now - connection.since >= quietForMs) {
    return [
      {
        id: "reconnecting",
        level: "warn",
        icon: "offline",
        title: "Reconnecting.",
        text:
          connection.waiting > 0
            ? `Keep typing: ${plural(connection.waiting, "edit")} ${connection.waiting === 1 ? "waits" : "wait"} here and ${connection.waiting === 1 ? "is" : "are"} sent when the link is back.`
            : "Keep typing: edits wait here and are sent when the link is back.",
        actions: [],
      },
    ];
  }
  const stuck = connection.oldestWaitingSince !== null && slow.now - connection.oldestWaitingSince >= quietForMs;
  if (connection.state === "live" && (!connection.ownerReachable || stuck)) {
    return [
      {
        id: "owner",
        level: "warn",
        icon: "offline",
        title: "Waiting for the session’s node.",
        text:
          connection.message ??
          `Nothing is confirmed at the moment${connection.waiting > 0 ? `; ${plural(connection.waiting, "edit")} ${connection.waiting === 1 ? "waits" : "wait"} here` : ""}. If ${connection.owner || "it"} is lost, another node takes over by itself.`,
        actions: [],
      },
    ];
  }
  return [];
}

function fileNotices(page: PageState, commands: Commands): PageNotice[] {
  const file = page.store.view?.file;
  const choose = (label: string, choice: string): NoticeAction => ({
    label,
    run: () => void commands.submit({ op: "resolve_file_conflict", choice }),
  });
  switch (file?.state) {
    case "changed_outside":
      return [
        {
          id: "file",
          level: "warn",
          icon: "warning",
          title: "The file changed outside Livebook.",
          text: "Nothing is written until you choose.",
          actions: [choose("Take the file", "reload"), choose("Keep both", "keep_both"), choose("Overwrite it", "overwrite")],
        },
      ];
    case "failed":
      return [
        {
          id: "file",
          level: "bad",
          icon: "warning",
          title: "Not saved.",
          text: file.message ?? "The file could not be written.",
          actions: [
            { label: "Try again", run: () => void commands.submit({ op: "save" }) },
            { label: "Save elsewhere", run: () => (page.dialog = "file") },
          ],
        },
      ];
    case "out_of_reach":
      return [
        {
          id: "file",
          level: "warn",
          icon: "warning",
          title: "The file is out of reach.",
          text: file.message ?? `${file.node ?? "Its node"} does not answer; the notebook is kept by the cluster meanwhile.`,
          actions: [{ label: "Save elsewhere", run: () => (page.dialog = "file") }],
        },
      ];
    default:
      return [];
  }
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function runtimeNotices(page: PageState, commands: Commands): PageNotice[] {
  const runtime = page.store.view?.runtime;
  if (runtime?.status === "connected" && runtime.message) {
    return [
      {
        id: "runtime-away",
        level: "warn",
        icon: "offline",
        title: "The runtime is away.",
        text: sentence(runtime.message),
        actions: [{ label: "Start a fresh one", run: () => commands.restart() }],
      },
    ];
  }
  if (runtime?.status !== "down") return [];
  const aborted = page.byShape.get("aborted")?.length ?? 0;
  return [
    {
      id: "runtime",
      level: "warn",
      icon: "warning",
      title: "The runtime stopped.",
      text: `${sentence(runtime.message ?? "Its process is gone")}${aborted > 0 ? ` ${plural(aborted, "cell")} lost ${aborted === 1 ? "its value" : "their values"}.` : ""}`,
      actions: [{ label: aborted > 0 ? `Run ${plural(aborted, "cell")}` : "Start it again", run: () => (aborted > 0 ? commands.runOutdated() : commands.restart()) }],
    },
  ];
}
