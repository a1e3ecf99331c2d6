/** A table that sorts, and draws only the rows in sight when there are many. */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { say } from "./language.ts";

export interface Column<R> {
  id: string;
  title: string;
  cell: (row: R) => ComponentChildren;
  /** What it is sorted by; without it, it is not. */
  by?: (row: R) => string | number | null;
  isNumber?: boolean;
  /** Left out on a phone. */
  isMinor?: boolean;
  /** Shown on wide screens only. */
  isRare?: boolean;
}

interface Order {
  column: string;
  isDown: boolean;
}

const ROW = 40;
const MANY = 150;
const AROUND = 12;

export function Table<R>({ rows, columns, keyOf, label, start, whenEmpty, isTall = false, onOpen }: {
  rows: R[];
  columns: Column<R>[];
  keyOf: (row: R) => string;
  label: string;
  start?: Order;
  whenEmpty: string;
  /** Whether it is what the page is about, and takes the height that there is. */
  isTall?: boolean;
  onOpen?: (row: R) => void;
}) {
  const [order, setOrder] = useState<Order | undefined>(start);
  const sorted = useMemo(() => sort(rows, columns, order), [rows, columns, order]);
  const isLong = rows.length > MANY;
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ first: 0, last: 60 });
  useEffect(() => {
    const element = box.current;
    if (element === null || !isLong) return;
    let frame = 0;
    const look = () => {
      frame = 0;
      const first = Math.max(0, Math.floor(element.scrollTop / ROW) - AROUND);
      const last = Math.ceil((element.scrollTop + element.clientHeight) / ROW) + AROUND;
      setSeen((now) => (Math.abs(now.first - first) < AROUND / 2 && now.last >= last - AROUND / 2 ? now : { first, last }));
    };
    const onScroll = () => {
      frame ||= requestAnimationFrame(look);
    };
    look();
    element.addEventListener("scroll", onScroll, { passive: true });
    const size = new ResizeObserver(look);
    size.observe(element);
    return () => {
      element.removeEventListener("scroll", onScroll);
      size.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [isLong]);
  if (rows.length === 0) return <p class="empty">{whenEmpty}</p>;
  const shown = isLong ? sorted.slice(seen.first, seen.last) : sorted;
  const above = isLong ? Math.min(seen.first, sorted.length) * ROW : 0;
  const below = isLong ? Math.max(0, sorted.length - seen.last) * ROW : 0;
  return (
    <div class={`table ${isLong ? "long" : isTall ? "tall" : ""}`} ref={box} tabIndex={0} role="region" aria-label={label}>
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <Head key={column.id} column={column} order={order} onOrder={setOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Gap height={above} columns={columns.length} />}
          {shown.map((row, place) => (
            <tr
              key={keyOf(row)}
              data-row={keyOf(row)}
              aria-rowindex={(isLong ? seen.first : 0) + place + 2}
              class={onOpen === undefined ? "" : "opens"}
              onClick={onOpen === undefined ? undefined : (event) => !(event.target as Element).closest("a, button") && onOpen(row)}
            >
              {columns.map((column) => (
                <td key={column.id} data-column={column.id} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {below > 0 && <Gap height={below} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

const Gap = ({ height, columns }: { height: number; columns: number }) => (
  <tr aria-hidden="true" class="gap">
    <td colSpan={columns} style={{ height: `${height}px` }} />
  </tr>
);

function Head<R>({ column, order, onOrder }: { column: Column<R>; order: Order | undefined; onOrder: (order: Order) => void }) {
  const isBy = order?.column === column.id;
  const sorting = isBy ? (order.isDown ? "descending" : "ascending") : "none";
  if (column.by === undefined) return <th class={classOf(column)} scope="col">{column.title}</th>;
  return (
    <th class={classOf(column)} scope="col" aria-sort={sorting}>
      <button
        type="button"
        title={say("並べ替え", "Sort")}
        onClick={() => onOrder({ column: column.id, isDown: isBy ? !order.isDown : column.isNumber === true })}
      >
        {column.title}
        <span aria-hidden="true">{isBy ? (order.isDown ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

const classOf = <R,>(column: Column<R>): string => [column.isNumber && "number", column.isMinor && "minor", column.isRare && "rare"].filter(Boolean).join(" ");

/** What is unknown comes last, whatever the direction. */
function sort<R>(rows: R[], columns: Column<R>[], order: Order | undefined): R[] {
  const by = columns.find((column) => column.id === order?.column)?.by;
  if (by === undefined || order === undefined) return rows;
  const sign = order.isDown ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [by(one), by(other)];
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return a < b ? -sign : a > b ? sign : 0;
  });
}
