import { expect, test } from "vitest";
import { pastedName } from "./pasted-name";

test("pasted text is known by how it begins", () => {
  expect(pastedName('\n{ "cells": [] }')).toBe("notebook.ipynb");
  expect(pastedName("#!meta\n{}\n#!csharp\n1")).toBe("notebook.dib");
  expect(pastedName("# Title\n\n```csharp\n1\n```")).toBe("notebook.livemd");
  expect(pastedName("")).toBe("notebook.livemd");
});
