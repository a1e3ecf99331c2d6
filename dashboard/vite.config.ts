/** Builds the page into the Python package. The SQL engine is copied beside it only by `WITH_SQL=1`: it is too large to commit. */
import { existsSync, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { defineConfig, type Plugin } from "vite";

const ENGINE = "node_modules/@duckdb/duckdb-wasm/dist/";
const ENGINE_FILES = ["duckdb-eh.wasm", "duckdb-browser-eh.worker.js"];

/** What is fetched when it is first used, and not before: pages that few people open, and the SQL engine. */
const ON_DEMAND = /^(engine\/|assets\/(engine|on-demand)-)/;

/** Names a chunk that only pages on demand use so that the service worker and the tests know it. */
function chunkName(chunk: { moduleIds: readonly string[] }): string {
  const isOnDemand = chunk.moduleIds.length > 0 && chunk.moduleIds.every((id) => id.includes("/src/pages/on-demand/"));
  return `assets/${isOnDemand ? "on-demand-" : ""}[name]-[hash].js`;
}

/** The service worker knows by name and content which files make up the page. */
function offline(): Plugin {
  return {
    name: "offline",
    enforce: "post",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => name !== "sw.js" && !ON_DEMAND.test(name)).sort();
      const version = createHash("sha256");
      for (const name of files) {
        const file = bundle[name];
        if (file) version.update(name).update(file.type === "chunk" ? file.code : file.source);
      }
      const source = readFileSync("src/service-worker.js", "utf8")
        .replace('"__FILES__"', JSON.stringify(["./", ...files.filter((name) => name !== "index.html")]))
        .replace('"page-__VERSION__"', JSON.stringify(`page-${version.digest("hex").slice(0, 12)}`));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}

function engine(): Plugin {
  return {
    name: "engine",
    enforce: "post",
    generateBundle() {
      for (const name of ENGINE_FILES) {
        if (!existsSync(ENGINE + name)) throw new Error(`${ENGINE}${name} is missing: run npm ci in dashboard/`);
        this.emitFile({ type: "asset", fileName: `engine/${name}`, source: readFileSync(ENGINE + name) });
      }
    },
  };
}

export default defineConfig({
  base: "./",
  publicDir: "public",
  plugins: [offline(), ...(process.env["WITH_SQL"] ? [engine()] : [])],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../vending_platform/service/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { output: { chunkFileNames: chunkName } },
  },
});
