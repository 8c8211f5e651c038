import { boot, url } from "../boot";
import type { ClientMessage, ServerMessage } from "../protocol";

/** The part of a WebSocket that is used, so that tests can bring their own. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export interface ConnectionOptions {
  /** The socket is open: the first message is due. */
  onOpen(): void;
  onMessage(message: ServerMessage): void;
  /** The socket was lost; the connection is already trying again. */
  onDown(): void;
  /** Round-trip time of a heartbeat, in milliseconds. */
  onRoundTrip?(milliseconds: number): void;
  socket?(address: string): Socket;
  /** Asked after repeated failures: false = this browser is not logged in. */
  loggedIn?(): Promise<boolean>;
  /** Goes to the login page. */
  login?(): void;
  random?(): number;
}

const PingInterval = 15_000;
const PongTimeout = 10_000;
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
  private pongDue: ReturnType<typeof setTimeout> | undefined;

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
      if (socket !== this.socket) return;
      this.open = true;
      this.lastHeard = Date.now();
      this.heartbeat = setInterval(() => this.ping(), PingInterval);
      this.ping();
      this.options.onOpen();
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.lastHeard = Date.now();
      this.failures = 0;
      this.hear(JSON.parse(String(event.data)) as ServerMessage);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.lose();
    };
    // A connection attempt that hangs (a dead load balancer) counts as lost, too.
    this.pongDue = setTimeout(() => {
      if (socket === this.socket && !this.open) this.lose();
    }, PongTimeout);
  }

  private hear(message: ServerMessage): void {
    if (message.type === "pong") {
      clearTimeout(this.pongDue);
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
    clearTimeout(this.pongDue);
    this.pongDue = setTimeout(() => this.lose(), PongTimeout);
    this.send({ type: "ping", at: performance.now() });
  }

  private drop(): void {
    clearInterval(this.heartbeat);
    clearTimeout(this.pongDue);
    const socket = this.socket;
    this.socket = null;
    this.open = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private lose(): void {
    if (this.closed) return;
    this.drop();
    this.options.onDown();
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
