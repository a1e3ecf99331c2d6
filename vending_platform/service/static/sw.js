// The page stays usable without a network: its own files are kept when it is first opened (those on demand when they
// are first used), and what it reads is kept by the page itself (src/data/fetching.ts). The build fills in both values.
const FILES = ["./","assets/chart-BWkoUl4w.js","assets/chart-CnsZ1jie.css","assets/download-8D7ZQBjA.js","assets/filters-Cf37TezW.js","assets/index-DNa27ckA.js","assets/index-o25Wazu7.css","assets/machine-C801IGVX.js","assets/machines-Bn1sAp3J.js","assets/page-CxRoJfBB.js","assets/pipeline-DykEn1OC.js","assets/products-UO9qL4E5.js","assets/quality-IZtVFUVW.js","assets/route-CSgr--iF.js","assets/today-gnjQ6pnI.js","assets/words-Cwjw5sgo.js"];
const CACHE = "page-313ff6dd7f9c";

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
      if (answer.status === 200) await cache.put(event.request, answer.clone()); // pages on demand and the SQL engine, once they were used
      return answer;
    }),
  );
});
