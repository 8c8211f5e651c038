import { expect, test } from "vitest";
import { routeOf } from "./route-of";

test("addresses name their pages, with and without a base path", () => {
  expect(routeOf("/", "")).toEqual({ page: "home" });
  expect(routeOf("/lab/", "/lab")).toEqual({ page: "home" });
  expect(routeOf("/lab/sessions/a-1", "/lab")).toEqual({ page: "session", id: "a-1" });
  expect(routeOf("/authenticate", "")).toEqual({ page: "authenticate" });
});

test("anything else is lost", () => {
  expect(routeOf("/sessions/a/download", "")).toEqual({ page: "lost" });
  expect(routeOf("/labs", "/lab")).toEqual({ page: "lost" });
  expect(routeOf("/other", "/lab")).toEqual({ page: "lost" });
});
