/** Every number can be asked where it comes from: which command names its files, and their lines. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../data/server.ts";
import { say } from "./language.ts";

/** Rows of a mart, by a value per column; or, of what no mart has, the command that shows it. */
export type Origin = { mart: string; rows: Record<string, string | number | null> } | { command: string };

const OPEN = "open-trace";

export function Traced({ of, children, label }: { of: Origin; children: ComponentChildren; label?: string }) {
  return (
    <button
      type="button"
      class="traced"
      title={say("どこから来た数字か", "Where it comes from")}
      aria-label={label}
      onClick={(event) => {
        event.stopPropagation();
        dispatchEvent(new CustomEvent<Origin>(OPEN, { detail: of }));
      }}
    >
      {children}
    </button>
  );
}

const quoted = (text: string): string => (/^[\w.=:-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export const commandOf = (origin: Origin): string =>
  "command" in origin
    ? origin.command
    : ["vending trace", `marts.${origin.mart}`, ...Object.entries(origin.rows).map(([name, value]) => quoted(`${name}=${value ?? ""}`))].join(" ");

/** Sits once in the layout. */
export function TraceDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [origin, show] = useState<Origin | null>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    const listener = (event: Event) => {
      show((event as CustomEvent<Origin>).detail);
      setCopied(false);
      dialog.current?.showModal();
    };
    addEventListener(OPEN, listener);
    return () => removeEventListener(OPEN, listener);
  }, []);
  const command = origin === null ? "" : commandOf(origin);
  const link = origin === null || "command" in origin ? null : api.trace(origin.mart, origin.rows);
  return (
    <dialog ref={dialog} class="trace" aria-labelledby="trace-title" onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <h2 id="trace-title">{say("この数字の出どころ", "Where this number comes from")}</h2>
      <p>
        {say(
          "次のコマンドが、元になったファイルを挙げます。--rows を付けると行まで示します。",
          "This command names the files that it comes from, and with --rows also their lines.",
        )}
      </p>
      <pre tabIndex={0}>{command}</pre>
      <div class="actions">
        <button
          type="button"
          onClick={() => {
            void navigator.clipboard.writeText(command).then(() => setCopied(true));
          }}
        >
          {copied ? say("コピーしました", "Copied") : say("コピー", "Copy")}
        </button>
        {link !== null && (
          <a class="button" href={link} target="_blank" rel="noreferrer">
            {say("ファイルと行を見る", "Show files and lines")}
          </a>
        )}
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          {say("閉じる", "Close")}
        </button>
      </div>
    </dialog>
  );
}
