/** Starts the page: reads which files there are, and shows the page of the address. */
import { render } from "preact";
import { App } from "./ui/app.tsx";
import { applyTheme } from "./ui/theme.ts";
import "./style.css";

applyTheme();
const root = document.getElementById("app");
if (root !== null) {
  root.textContent = "";
  render(<App />, root);
}
if ("serviceWorker" in navigator && import.meta.env.PROD) {
  addEventListener("load", () => {
    // Where a browser allows none (an address without TLS), the page works all the same, but not without a network.
    navigator.serviceWorker.register("./sw.js").catch(() => undefined);
  });
}
