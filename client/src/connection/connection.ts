import { boot, url } from "../boot";
import type { ClientMessage, ServerMessage } from "../protocol";

/** The part of a WebSocket that is used, so that tests can bring their own. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event?: { readonly code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface ConnectionOptions {
  /** The socket is open: the first message is due. */
  onOpen(): void;
  onMessage(message: ServerMessage): void;
  /** The socket was lost; the connection is already trying again. `sentAway`: the node is about to stop and said so. */
  onDown(sentAway: boolean): void;
  /** Nothing was heard from the node for a while, or it is heard again. The socket is kept meanwhile. */
  onSilent?(silent: boolean): void;
  /** Round-trip time of a heartbeat, in milliseconds. */
  onRoundTrip?(milliseconds: number): void;
  socket?(address: string): Socket;
  /** Asked after repeated failures: false = this browser is not logged in. */
  loggedIn?(): Promise<boolean>;
  /** Goes to the login page. */
  login?(): void;
  random?(): number;
}

/** While the page is looked at: a cut must be said within 3 s, with nobody typing. */
const PingInterval = 1_000;
const HiddenPingInterval = 15_000;
/** From an unanswered ping on. */
const SilentAfter = 1_900;
const PongTimeout = 5_000;
/** A link so slow that an answer waits behind what came before gets more time with every attempt. */
const LongestPongTimeout = 60_000;
const OpenTimeout = 10_000;
/** Between two looks for another node, times a random number from 0.5 to 1.5. */
const SeekInterval = 2_000;
/** Close code of a node that is about to stop. */
const SentAway = 1012;
const SilenceTimeout = 35_000;
const LongestDelay = 5_000;
const FailuresBeforeLoginCheck = 2;

/** One web socket to the node, opened again for as long as the page lives. */
export class Connection {
  private socket: Socket | null = null;
  private open = false;
  private closed = false;
  private failures = 0;
  private lastHeard = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private openDue: ReturnType<typeof setTimeout> | undefined;
  private pongDue: ReturnType<typeof setTimeout> | undefined;
  private silentDue: ReturnType<typeof setTimeout> | undefined;
  private silent = false;
  private pongTimeout = PongTimeout;
  private seeking: ReturnType<typeof setTimeout> | undefined;
  /** A socket that is tried while the present one is of little use. */
  private candidate: Socket | null = null;

  constructor(private readonly options: ConnectionOptions) {
    if (typeof window !== "undefined") {
      window.addEventListener("online", this.wake);
      document.addEventListener("visibilitychange", this.wake);
    }
    this.connect();
  }

  /** Sends when the socket is open; false when it is not (then nothing is kept). */
  send(message: ClientMessage): boolean {
    if (!this.open || !this.socket) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Gives the socket up and opens a new one. */
  reconnect(): void {
    this.lose();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.seek(false);
    if (typeof window !== "undefined") {
      window.removeEventListener("online", this.wake);
      document.removeEventListener("visibilitychange", this.wake);
    }
    this.drop();
  }

  private connect(): void {
    clearTimeout(this.retry);
    if (this.closed || this.socket) return;
    const socket = (this.options.socket ?? openSocket)(socketAddress());
    this.socket = socket;
    socket.onopen = () => {
      if (socket === this.socket) this.begin(socket);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.lose();
    };
    // A connection attempt that hangs (a dead load balancer) counts as lost, too.
    this.openDue = setTimeout(() => {
      if (socket === this.socket && !this.open) this.lose();
    }, OpenTimeout);
  }

  private begin(socket: Socket): void {
    this.open = true;
    this.lastHeard = Date.now();
    clearTimeout(this.openDue);
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard();
      this.hear(JSON.parse(String(event.data)) as ServerMessage);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.lose(event?.code === SentAway);
    };
    this.heartbeat = setInterval(() => this.beat(), PingInterval);
    this.ping();
    this.options.onOpen();
  }

  /** While on, other nodes are tried; the first that takes this page gets it. Until then the present socket stays. */
  seek(on: boolean): void {
    if (on && !this.closed) {
      if (this.seeking === undefined && !this.candidate) this.seekLater();
      return;
    }
    clearTimeout(this.seeking);
    this.seeking = undefined;
    this.dropCandidate();
  }

  private seekLater(): void {
    this.seeking = setTimeout(
      () => {
        this.seeking = undefined;
        this.tryElsewhere();
      },
      SeekInterval * (0.5 + (this.options.random ?? Math.random)()),
    );
  }

  private tryElsewhere(): void {
    // Without a socket the ordinary attempts are under way.
    if (!this.open) {
      this.seekLater();
      return;
    }
    const candidate = (this.options.socket ?? openSocket)(socketAddress());
    this.candidate = candidate;
    candidate.onopen = () => {
      this.candidate = null;
      this.drop();
      this.socket = candidate;
      this.begin(candidate);
    };
    candidate.onclose = () => {
      this.candidate = null;
      this.seekLater();
    };
  }

  private dropCandidate(): void {
    if (!this.candidate) return;
    this.candidate.onopen = this.candidate.onclose = null;
    this.candidate.close();
    this.candidate = null;
  }

  private heard(): void {
    this.lastHeard = Date.now();
    this.failures = 0;
    this.pongTimeout = PongTimeout;
    clearTimeout(this.pongDue);
    clearTimeout(this.silentDue);
    this.pongDue = this.silentDue = undefined;
    this.saySilent(false);
  }

  private saySilent(silent: boolean): void {
    if (this.silent === silent) return;
    this.silent = silent;
    this.options.onSilent?.(silent);
  }

  private hear(message: ServerMessage): void {
    if (message.type === "pong") {
      this.options.onRoundTrip?.(Math.max(0, performance.now() - message.at));
      return;
    }
    this.options.onMessage(message);
  }

  private ping(): void {
    if (Date.now() - this.lastHeard > SilenceTimeout) {
      this.lose();
      return;
    }
    // Of several unanswered pings the first counts.
    this.silentDue ??= setTimeout(() => this.saySilent(true), SilentAfter);
    this.pongDue ??= setTimeout(() => {
      this.pongTimeout = Math.min(LongestPongTimeout, 2 * this.pongTimeout);
      this.lose();
    }, this.pongTimeout);
    this.send({ type: "ping", at: performance.now() });
  }

  /** A page that nobody looks at needs no quick word. */
  private beat(): void {
    const hidden = typeof document !== "undefined" && document.visibilityState === "hidden";
    if (!hidden || Date.now() - this.lastHeard >= HiddenPingInterval) this.ping();
  }

  private drop(): void {
    clearInterval(this.heartbeat);
    clearTimeout(this.openDue);
    clearTimeout(this.pongDue);
    clearTimeout(this.silentDue);
    this.pongDue = this.silentDue = undefined;
    this.saySilent(false);
    const socket = this.socket;
    this.socket = null;
    this.open = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private lose(sentAway = false): void {
    if (this.closed) return;
    this.drop();
    this.options.onDown(sentAway);
    if (sentAway) this.failures = 0;
    const failures = this.failures++;
    if (failures >= FailuresBeforeLoginCheck) void this.checkLogin();
    // At once the first time; then a random part of a growing delay, so that the pages of a lost node do not come back as one.
    const delay = failures === 0 ? 0 : Math.min(LongestDelay, 250 * 2 ** (failures - 1)) * (0.5 + (this.options.random ?? Math.random)() / 2);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), delay);
  }

  /** The browser does not say why an upgrade failed: a plain request does. */
  private async checkLogin(): Promise<void> {
    const loggedIn = await (this.options.loggedIn ?? askLoggedIn)().catch(() => true);
    if (loggedIn || this.closed) return;
    this.close();
    (this.options.login ?? goToLogin)();
  }

  private readonly wake = (): void => {
    if (this.closed || document.visibilityState === "hidden") return;
    if (this.open) this.ping();
    else if (!this.socket) this.connect();
  };
}

function openSocket(address: string): Socket {
  return new WebSocket(address) as unknown as Socket;
}

function socketAddress(): string {
  if (typeof location === "undefined") return url("/ws");
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${boot.basePath}/ws`;
}

async function askLoggedIn(): Promise<boolean> {
  const answer = await fetch(url("/ui/session"), { credentials: "same-origin", cache: "no-store" });
  return answer.status !== 401;
}

function goToLogin(): void {
  const here = location.pathname + location.search + location.hash;
  location.assign(url(`/authenticate?redirect_to=${encodeURIComponent(here)}`));
}
