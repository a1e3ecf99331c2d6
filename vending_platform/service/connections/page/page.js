/** The connect page: each service with its state, and what a person can do about it. Every text is Japanese and English. */
const API = "/api/connections";
const TEXTS = {
  title: { ja: "サービス接続", en: "Connections" },
  question: {
    ja: "外部サービスとの接続状況です。接続すると、データの抽出がそのサービスを読めるようになります。",
    en: "Which services are connected. Once connected, extractions can read from them.",
  },
  back: { ja: "← ダッシュボード", en: "← Dashboard" },
  other: { ja: "English", en: "日本語" },
  connected: { ja: "接続済み", en: "Connected" },
  never: { ja: "未接続", en: "Not connected" },
  ended: { ja: "切断：要再接続", en: "Ended: connect again" },
  service: { ja: "サービス", en: "Service" },
  since: { ja: "接続日時", en: "Connected since" },
  by: { ja: "接続した人", en: "Connected by" },
  may: { ja: "許可した内容", en: "What it may do" },
  would: { ja: "許可を求める内容", en: "What it will ask for" },
  endedAt: { ja: "切断日時", en: "Ended" },
  why: { ja: "理由", en: "Why" },
  connect: { ja: "接続する", en: "Connect" },
  again: { ja: "再接続する", en: "Connect again" },
  disconnect: { ja: "切断する", en: "Disconnect" },
  sure: { ja: "本当に切断する", en: "Yes, disconnect" },
  keep: { ja: "やめる", en: "Keep it" },
  none: { ja: "この環境で接続できるサービスはありません。", en: "No service can be connected in this environment." },
  login: { ja: "先にダッシュボードでログインしてください。", en: "Log in on the dashboard first." },
  mayNot: { ja: "接続・切断する権限がありません（connect）。", en: "You may look, but not connect or disconnect (permission: connect)." },
  failed: { ja: "できませんでした：", en: "That did not work: " },
  network: { ja: "サービスに届きません。しばらくしてからもう一度お試しください。", en: "The service can't be reached: try again in a moment." },
  disconnected: { ja: "切断しました。", en: "Disconnected." },
  notTold: {
    ja: "切断しました。先方に取り消しの窓口がないため、先方の画面でも取り消してください。",
    en: "Disconnected. The service has no way to be told, so revoke the access on its own pages too.",
  },
};
const WHY = {
  revoked: { ja: "先方で許可が取り消された、または期限が切れた", en: "The consent was revoked at the service, or has ended" },
  lost: { ja: "更新の途中で次の鍵が失われた", en: "The next token was lost while it was renewed" },
  expired: { ja: "期限が切れ、更新の手段がない", en: "It ended, and the service gave nothing to renew it with" },
  disconnected: { ja: "ここで切断された", en: "Disconnected here" },
};
const OUTCOMES = {
  connected: { ja: "接続しました。", en: "Connected." },
  declined: { ja: "許可されなかったため、接続していません。", en: "Not connected: the consent was declined." },
  refused: { ja: "先方が受け付けませんでした。もう一度お試しください。", en: "Not connected: the service refused. Try once more." },
  untrusted: {
    ja: "このブラウザーで始めた手続きではないか、10分を過ぎています。もう一度お試しください。",
    en: "Not connected: this was not begun in this browser, or took more than ten minutes. Try once more.",
  },
  unavailable: { ja: "先方が応答しません。しばらくしてからもう一度お試しください。", en: "Not connected: the service does not answer. Try again later." },
};

const kept = (() => {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // a browser can forbid it; then nothing is remembered
  }
})();
let language = kept === "ja" || kept === "en" ? kept : navigator.language.startsWith("en") ? "en" : "ja";
let me = null;
let connections = null;
let asking = null; // the connection that a person is about to end
let notice = arrived();

const text = (name) => TEXTS[name][language];
const at = (moment) =>
  new Date(moment).toLocaleString(language === "ja" ? "ja-JP" : "en-GB", { timeZone: "Asia/Tokyo", dateStyle: "medium", timeStyle: "short" }) +
  (language === "ja" ? "（日本時間）" : " (Japan)");

/** What happened on the way back from a service; the address is then as if nothing had. */
function arrived() {
  const query = new URLSearchParams(location.search);
  const outcome = OUTCOMES[query.get("outcome")];
  history.replaceState(null, "", location.pathname);
  const name = /^[a-z][a-z0-9_]*$/.test(query.get("service") ?? "") ? `${query.get("service")}: ` : "";
  return outcome ? { good: outcome === OUTCOMES.connected, show: () => name + outcome[language] } : null;
}

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

async function request(address, options = {}) {
  const headers = me?.csrf_token ? { "X-CSRF-Token": me.csrf_token } : {};
  const response = await fetch(address, { ...options, headers });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail ?? response.statusText), { status: response.status });
}

async function look() {
  try {
    me = await request("/api/me");
    connections = await request(API);
  } catch (error) {
    connections = [];
    notice = { show: () => (error.status === 401 ? text("login") : error.status ? text("failed") + error.message : text("network")) };
  }
  draw();
}

/** Does something that changes a connection; buttons wait until it is done. */
async function change(action) {
  for (const button of document.querySelectorAll("#connections button")) button.disabled = true;
  notice = null;
  try {
    await action();
  } catch (error) {
    notice = { show: () => (error.status ? text("failed") + error.message : text("network")) };
  }
  asking = null;
  await look();
}

const connect = (one) =>
  change(async () => {
    const { url } = await request(`${API}/${one.name}/consent`, { method: "POST" });
    location.assign(url);
    await new Promise(() => {}); // the page is about to be left
  });

const disconnect = (one) =>
  change(async () => {
    const { was_revoked: wasRevoked } = await request(`${API}/${one.name}`, { method: "DELETE" });
    notice = { good: wasRevoked, show: () => `${one.name}: ${text(wasRevoked ? "disconnected" : "notTold")}` };
  });

function card(one) {
  const broken = one.ended !== null && one.ended !== "disconnected";
  const state = one.is_connected ? "connected" : broken ? "ended" : "never";
  const facts = [[text("service"), one.service]];
  if (one.is_connected) facts.push([text("since"), at(one.connected_at)], [text("by"), one.connected_by]);
  if (one.ended) facts.push([text("endedAt"), at(one.ended_at)], [text("why"), WHY[one.ended][language]]);
  const scopes = one.scopes.map((scope) => element("code", {}, scope));
  return element("li", { class: "card", id: one.name },
    element("div", { class: "head" },
      element("h2", {}, one.name),
      element("span", { class: `state ${one.is_connected ? "good" : broken ? "bad" : ""}` }, text(state))),
    element("dl", {},
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
      element("dt", {}, text(one.is_connected ? "may" : "would")), element("dd", {}, ...scopes)),
    actions(one, broken));
}

function actions(one, broken) {
  if (!me?.permissions.includes("connect")) return element("p", { class: "soft" }, text("mayNot"));
  const button = (name, onclick, kind) => element("button", { type: "button", class: kind ?? "", onclick }, text(name));
  if (!one.is_connected) return element("div", { class: "actions" }, button(broken ? "again" : "connect", () => connect(one), "main"));
  if (asking !== one.name) return element("div", { class: "actions" }, button("disconnect", () => ask(one.name)));
  return element("div", { class: "actions" }, button("sure", () => disconnect(one), "main"), button("keep", () => ask(null)));
}

function ask(name) {
  asking = name;
  draw();
}

function draw() {
  document.documentElement.lang = language;
  document.title = text("title");
  document.querySelector("h1").textContent = text("title");
  document.getElementById("question").textContent = text("question");
  document.getElementById("back").textContent = text("back");
  document.getElementById("language").textContent = text("other");
  const line = document.getElementById("notice");
  line.hidden = notice === null;
  line.className = notice?.good ? "good" : "";
  line.textContent = notice === null ? "" : notice.show();
  const list = document.getElementById("connections");
  list.setAttribute("aria-busy", String(connections === null));
  const cards = (connections ?? []).map(card);
  const isEmpty = connections !== null && cards.length === 0 && me !== null;
  list.replaceChildren(...(isEmpty ? [element("li", { class: "soft" }, text("none"))] : cards));
}

document.getElementById("language").addEventListener("click", () => {
  language = language === "ja" ? "en" : "ja";
  try {
    localStorage.setItem("language", language);
  } catch {
    // not remembered, then
  }
  draw();
});
draw();
await look();
