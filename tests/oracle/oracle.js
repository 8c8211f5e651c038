// A line of JSON in, a line of JSON out. During `converge` the lines out are questions to the authority, until one has `texts`.
import { createInterface } from "node:readline";
import { ChangeCases } from "./changes.js";
import { converge } from "./convergence.js";
import { follow } from "./patches.js";

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })[Symbol.asyncIterator]();
const cases = new ChangeCases();

const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

async function listen() {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
}

async function ask(question) {
  say(question);
  return await listen();
}

for (let request = await listen(); request; request = await listen()) {
  switch (request.do) {
    case "cases":
      say(cases.make(request.seed, request.count));
      break;
    case "verify":
      say(cases.verify(request.results));
      break;
    case "converge":
      say(await converge(request.seed, request.pages, request.edits, ask));
      break;
    case "follow":
      say(follow(request.start, request.steps));
      break;
    default:
      throw new Error(`no such request: ${request.do}`);
  }
}
