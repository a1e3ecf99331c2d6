// The page stays usable without a network: its own files are kept when it is first opened, and what it reads is kept by
// the page itself (src/data/fetching.ts). `__FILES__` and `7724fdabe055` are filled in by the build.
const FILES = ["./","assets/chart-CnsZ1jie.css","assets/chart-mm4aBijZ.js","assets/download-CyJWNCdj.js","assets/filters-C9xz73mM.js","assets/index-0WS6z0Sj.js","assets/index-D4gIkxmA.css","assets/machine-CyN-hNEN.js","assets/machines-Clti96W3.js","assets/page-BZeEs_Ey.js","assets/pipeline-ABNuo_q4.js","assets/products-DHIQmZXe.js","assets/quality-DckXFknA.js","assets/route-TWhkdF6f.js","assets/sql-CErLE4pZ.js","assets/today-CEUx_XCA.js","assets/words-PNCxDn6g.js"];
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
