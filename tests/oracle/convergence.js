import { collab, getSyncedVersion, receiveUpdates, sendableUpdates } from "@codemirror/collab";
import { history, redo, undo } from "@codemirror/commands";
import { ChangeSet, EditorState, Text } from "@codemirror/state";
import { randomChanges } from "./changes.js";
import { Random } from "./random.js";

/** What happens when, in virtual milliseconds. */
class Clock {
  now = 0;
  #events = [];

  at(delay, run) {
    const event = { time: this.now + delay, order: this.#events.length, run };
    let i = this.#events.length;
    while (i > 0 && this.#events[i - 1].time > event.time) i--;
    this.#events.splice(i, 0, event);
  }

  async run() {
    while (this.#events.length > 0) {
      const event = this.#events.shift();
      this.now = event.time;
      await event.run();
    }
  }
}

/** A page: a real editor state, and a connection that loses what is on its way when it breaks. */
class Page {
  #connection = 0;
  #connected = true;
  #inFlight = 0;
  #arrival = 0;

  constructor(world, id, text) {
    this.world = world;
    this.editor = `editor-${id}`;
    this.state = EditorState.create({ doc: Text.of(text.split("\n")), extensions: [history(), collab({ clientID: this.editor, startVersion: 0 })] });
  }

  get text() {
    return this.state.doc.sliceString(0, undefined, "\n");
  }

  edit() {
    const { random } = this.world;
    const dispatch = (transaction) => (this.state = transaction.state);
    const kind = random.unit();
    if (kind < 0.12) undo({ state: this.state, dispatch });
    else if (kind < 0.18) redo({ state: this.state, dispatch });
    else this.state = this.state.update({ changes: randomChanges(random, this.state.doc.length, 2) }).state;
    this.push();
  }

  push() {
    const { clock, random, server } = this.world;
    const updates = sendableUpdates(this.state);
    if (!this.#connected || updates.length === 0 || this.#inFlight >= 2) return;
    const connection = this.#connection;
    const message = { editor: this.editor, revision: getSyncedVersion(this.state), updates: updates.map((update) => update.changes.toJSON()) };
    this.#inFlight++;
    const lost = random.chance(0.03);
    const twice = random.chance(0.03);
    this.#arrival = Math.max(this.#arrival, clock.now + random.between(5, 300));
    if (!lost) {
      clock.at(this.#arrival - clock.now, () => server.take(message));
      if (twice) clock.at(this.#arrival - clock.now + random.between(0, 400), () => server.take(message));
    }
    // Answered, or given up: then it is sent again.
    clock.at(random.between(100, 700), () => {
      if (connection !== this.#connection) return;
      this.#inFlight--;
      this.push();
    });
  }

  /** What the server says goes over one connection, in order. */
  hear(updates, revision) {
    const { clock, random } = this.world;
    const connection = this.#connection;
    this.#heard = Math.max(this.#heard, clock.now + random.between(5, 300));
    clock.at(this.#heard - clock.now, () => {
      if (connection === this.#connection && this.#connected) this.receive(updates, revision);
    });
  }
  #heard = 0;

  receive(updates, revision) {
    const skip = getSyncedVersion(this.state) - revision;
    for (const update of updates.slice(skip)) {
      this.state = receiveUpdates(this.state, [{ clientID: update.editor, changes: ChangeSet.fromJSON(update.changes) }]).state;
    }
    this.push();
  }

  disconnect() {
    this.#connection++;
    this.#connected = false;
    this.#inFlight = 0;
    const { clock, random } = this.world;
    clock.at(random.between(200, 2200), () => this.connect());
  }

  connect() {
    this.#connection++;
    this.#connected = true;
    this.#inFlight = 0;
    const version = getSyncedVersion(this.state);
    this.receive(this.world.server.log.slice(version), version);
  }

  get connected() {
    return this.#connected;
  }
}

/** Real editors against the authority on the other side of the pipe (`ask`). */
export async function converge(seed, pages, edits, ask) {
  const random = new Random(seed);
  const clock = new Clock();
  const text = "one two\nthree";
  const world = { random, clock };
  world.server = {
    log: [],
    async take(message) {
      const { accepted } = await ask(message);
      const revision = this.log.length;
      this.log.push(...accepted);
      if (accepted.length > 0) for (const page of world.pages) page.hear(accepted, revision);
    },
  };
  world.pages = Array.from({ length: pages }, (_, i) => new Page(world, i, text));
  for (const page of world.pages) {
    for (let left = edits; left > 0; left--) clock.at(random.between(0, edits * 80), () => page.edit());
    for (let left = random.below(3); left > 0; left--) clock.at(random.between(0, edits * 80), () => page.connected && page.disconnect());
  }
  await clock.run();

  // Everybody is back: what is left goes out until nothing is left.
  for (let round = 0; round < 100; round++) {
    for (const page of world.pages) page.connect();
    await clock.run();
    if (world.pages.every((page) => sendableUpdates(page.state).length === 0 && getSyncedVersion(page.state) === world.server.log.length)) break;
  }
  return { texts: world.pages.map((page) => page.text) };
}
