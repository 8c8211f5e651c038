import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Connection, type Socket } from "../src/connection/connection";

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: Socket["onclose"] = null;
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
const events = { onOpen: vi.fn(), onMessage: vi.fn(), onDown: vi.fn(), onSilent: vi.fn(), onRoundTrip: vi.fn(), login: vi.fn() };
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
  vi.advanceTimersByTime(5_900);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(200);
  expect(sockets).toHaveLength(2);
  expect(sockets[0]!.closed).toBe(true);
  expect(events.onDown).toHaveBeenCalledOnce();
});

it("says within 3 s of a cut that nothing is heard, and when it is heard again", () => {
  last().onopen!();
  pong();
  vi.advanceTimersByTime(3_000);
  expect(events.onSilent).toHaveBeenCalledExactlyOnceWith(true);
  pong();
  expect(events.onSilent).toHaveBeenLastCalledWith(false);
  expect(sockets).toHaveLength(1);
});

it("gives a link more time when it was too slow for the last one", () => {
  last().onopen!();
  vi.advanceTimersByTime(5_100);
  expect(sockets).toHaveLength(2);
  last().onopen!();
  vi.advanceTimersByTime(9_900);
  expect(sockets).toHaveLength(2);
  vi.advanceTimersByTime(500);
  expect(sockets).toHaveLength(3);
});

it("comes back at once when the node sends it away, whatever failed before", () => {
  for (let i = 0; i < 4; i++) {
    last().onclose!();
    vi.advanceTimersByTime(5_000);
  }
  last().onopen!();
  const count = sockets.length;
  last().onclose!({ code: 1012 });
  expect(events.onDown).toHaveBeenLastCalledWith(true);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(count + 1);
});

it("keeps a socket of little use until another node takes the page", () => {
  last().onopen!();
  pong();
  const first = last();
  connection.seek(true);
  vi.advanceTimersByTime(3_100);
  expect(sockets).toHaveLength(2);
  last().onclose!();
  expect(first.closed).toBe(false);
  expect(events.onDown).not.toHaveBeenCalled();
  first.onmessage!({ data: JSON.stringify({ type: "pong", at: 0 }) });
  vi.advanceTimersByTime(3_100);
  first.onmessage!({ data: JSON.stringify({ type: "pong", at: 0 }) });
  expect(sockets).toHaveLength(3);
  last().onopen!();
  expect(first.closed).toBe(true);
  expect(events.onOpen).toHaveBeenCalledTimes(2);
  expect(events.onDown).not.toHaveBeenCalled();
  pong();
  connection.seek(false);
});

it("keeps a socket that answers", () => {
  last().onopen!();
  pong();
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(1_500);
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
