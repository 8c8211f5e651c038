import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the server; Vite answers for the client's own files, everything else goes there. */
const server = process.env.LIVEBOOK_URL ?? "http://localhost:8080";

export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [svelte()],
  // Under test Svelte must be its browser build, else $state is not reactive.
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  build: {
    outDir: "../src/Livebook.Web/wwwroot",
    emptyOutDir: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rolldownOptions: { input: ["index.html", "frame.html"] },
  },
  server: {
    proxy: {
      "/api": server,
      "/ui": server,
      "/blobs": server,
      "/ws": { target: server, ws: true },
    },
  },
  test: { include: ["src/**/*.test.ts", "tests/**/*.test.ts"], environment: "node" },
}));
