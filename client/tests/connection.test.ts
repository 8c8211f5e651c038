import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Connection, type Socket } from "../src/connection/connection";

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: string[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.closed = true;
  }
}

const sockets: FakeSocket[] = [];
let connection: Connection;
const events = { onOpen: vi.fn(), onMessage: vi.fn(), onDown: vi.fn(), onRoundTrip: vi.fn(), login: vi.fn() };
let loggedIn = true;

beforeEach(() => {
  vi.useFakeTimers();
  sockets.length = 0;
  loggedIn = true;
  for (const event of Object.values(events)) event.mockClear();
  connection = new Connection({
    ...events,
    socket: () => {
      sockets.push(new FakeSocket());
      return sockets[sockets.length - 1]!;
    },
    loggedIn: () => Promise.resolve(loggedIn),
    random: () => 1,
  });
});
afterEach(() => {
  connection.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const last = () => sockets[sockets.length - 1]!;
const pong = () => last().onmessage!({ data: JSON.stringify({ type: "pong", at: performance.now() }) });

it("pings right after it opened and knows the round trip", () => {
  last().onopen!();
  expect(JSON.parse(last().sent[0]!)).toMatchObject({ type: "ping" });
  pong();
  expect(events.onRoundTrip).toHaveBeenCalledOnce();
});

it("opens again at once, then after growing delays up to 5 s", () => {
  const delays: number[] = [];
  for (let i = 0; i < 8; i++) {
    const before = Date.now();
    const count = sockets.length;
    last().onclose!();
    while (sockets.length === count) vi.advanceTimersByTime(1);
    delays.push(Date.now() - before);
  }
  expect(delays[0]).toBeLessThanOrEqual(1);
  expect(delays.slice(1)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
});

it("gives a socket up that does not answer a ping", () => {
  last().onopen!();
  pong();
  vi.advanceTimersByTime(15_000);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(10_001);
  expect(sockets).toHaveLength(2);
  expect(sockets[0]!.closed).toBe(true);
  expect(events.onDown).toHaveBeenCalledOnce();
});

it("keeps a socket that answers", () => {
  last().onopen!();
  pong();
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(15_000);
    pong();
  }
  expect(sockets).toHaveLength(1);
});

it("goes to the login page when it is not logged in any more", async () => {
  loggedIn = false;
  for (let i = 0; i < 3; i++) {
    last().onclose!();
    await vi.advanceTimersByTimeAsync(6_000);
  }
  expect(events.login).toHaveBeenCalledOnce();
  const count = sockets.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sockets).toHaveLength(count);
});

it("says whether it could send", () => {
  expect(connection.send({ type: "watch_home" })).toBe(false);
  last().onopen!();
  expect(connection.send({ type: "watch_home" })).toBe(true);
});
