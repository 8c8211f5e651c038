/** Shows one page of the client on made data: fixture.html?page=home|session|login|lost&theme=…&state=… */
import { FakeHome, FakeStore, type FixtureState } from "./fake-store.svelte";

const query = new URLSearchParams(location.search);
const state = (query.get("state") ?? "ok") as FixtureState;
const theme = query.get("theme");
if (theme) document.documentElement.dataset.theme = theme;

window.fixtureHome = () => new FakeHome(state);
window.fixtureSession = (id) => new FakeStore(id, state);
window.fetch = async (input) => answer(new URL(String(input instanceof Request ? input.url : input), location.href));

const paths: Record<string, string> = {
  home: "/",
  session: "/sessions/demo",
  login: "/authenticate?error=1",
  lost: "/nowhere",
};
history.replaceState(null, "", (paths[query.get("page") ?? "home"] ?? "/") + location.hash);
await import("../../src/main");

function answer(address: URL): Response {
  if (address.pathname !== "/ui/files") return new Response(JSON.stringify({ title: "Not in the fixture." }), { status: 404 });
  return Response.json({
    path: address.searchParams.get("path") ?? "/data/notebooks",
    parent: "/data",
    entries: [
      { name: "finance", kind: "directory", size: 0, modifiedAt: "2026-11-20T10:00:00Z" },
      { name: "week-47.livemd", kind: "notebook", size: 18_432, modifiedAt: "2026-11-24T14:07:00Z", session: "demo" },
      { name: "week-46.livemd", kind: "notebook", size: 17_920, modifiedAt: "2026-11-17T09:00:00Z" },
      { name: "orders.csv", kind: "other", size: 4_200_000, modifiedAt: "2026-11-17T09:00:00Z" },
    ],
  });
}
