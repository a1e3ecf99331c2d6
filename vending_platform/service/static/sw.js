// The page stays usable without a network: its own files are kept when it is first opened, and what it reads is kept by
// the page itself (src/data/fetching.ts). `__FILES__` and `6c768e850f7a` are filled in by the build.
const FILES = ["./","assets/chart-CnsZ1jie.css","assets/chart-Cp3va9tw.js","assets/download-DSheG9E8.js","assets/filters-DTolVJ3X.js","assets/index-D4gIkxmA.css","assets/index-Xv8Mctwc.js","assets/machine-BiPyw0QL.js","assets/machines-D1jUPKUG.js","assets/page-CtumiqSe.js","assets/pipeline-C8E2LRAl.js","assets/products-BKJssaci.js","assets/quality-C2VQQtWf.js","assets/route-DsQ76WiV.js","assets/sql-CkoYWnKd.js","assets/today-C_M117pi.js","assets/words-CnTRDIi2.js"];
const CACHE = "page-__VERSION__";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("page-") && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const scope = new URL(self.registration.scope);
  if (event.request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  const path = url.pathname.slice(scope.pathname.length);
  if (path.startsWith("data/") || path.startsWith("api/")) return;
  const isPage = event.request.mode === "navigate";
  if (isPage) {
    // The newest page where there is a network: its scripts have names by content.
    event.respondWith(fetch(event.request).catch(() => caches.match("./", { cacheName: CACHE }).then((kept) => kept ?? Response.error())));
    return;
  }
  event.respondWith(
    caches.open(CACHE).then(async (cache) => {
      const kept = await cache.match(event.request, { ignoreSearch: true });
      if (kept !== undefined) return kept;
      const answer = await fetch(event.request);
      if (answer.status === 200) await cache.put(event.request, answer.clone()); // the SQL engine, once it was used
      return answer;
    }),
  );
});
