/** Where the machines are, drawn from their coordinates alone: no map of anyone else is fetched. */
import { addressOf } from "../ui/address.ts";
import { yen } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge } from "../ui/parts.tsx";
import { TONES, stateName, type FleetMachine, type State } from "./machines.tsx";

const [WIDTH, HEIGHT, EDGE] = [1000, 560, 44];
const MOST = 3000;

export function MachineMap({ machines, day }: { machines: FleetMachine[]; day: string | undefined }) {
  const placed = machines.filter((one): one is FleetMachine & { latitude: number; longitude: number } => one.latitude !== null && one.longitude !== null).slice(0, MOST);
  if (placed.length === 0) return <p class="empty">{say("座標のある自販機がありません。一覧で見てください。", "No machine has coordinates: use the list.")}</p>;
  const [west, east] = range(placed.map((one) => one.longitude));
  const [south, north] = range(placed.map((one) => one.latitude));
  // A degree of longitude is shorter the further north it is.
  const narrow = Math.cos(((south + north) / 2) * (Math.PI / 180));
  const scale = Math.min((WIDTH - 2 * EDGE) / Math.max((east - west) * narrow, 0.002), (HEIGHT - 2 * EDGE) / Math.max(north - south, 0.002));
  const x = (longitude: number) => WIDTH / 2 + (longitude - (west + east) / 2) * narrow * scale;
  const y = (latitude: number) => HEIGHT / 2 - (latitude - (south + north) / 2) * scale;
  const most = Math.max(...placed.map((one) => one.sales ?? 0), 1);
  const isFew = placed.length <= 40;
  return (
    <>
      <p class="badges legend">
        {(["down", "missing", "empty", "low", "fine"] as State[]).map((state) => (
          <Badge key={state} tone={TONES[state]}>{stateName(state)}</Badge>
        ))}
        <span class="soft">{say("円の大きさ：その日の売上", "Size: the day's sales")}</span>
        {machines.length > placed.length && <span class="soft">{say(`（${machines.length - placed.length}台は表示していません。ルートで絞ってください）`, `(${machines.length - placed.length} not drawn: choose a route)`)}</span>}
      </p>
      <svg class="map" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={say("自販機の位置", "Where the machines are")}>
        {placed.map((one) => (
          <a key={one.id} href={addressOf("machine", { id: one.id, day })} aria-label={`${one.id} ${one.name}, ${stateName(one.state)}, ${yen(one.sales)}`}>
            <title>{`${one.id} ${one.name}\n${stateName(one.state)} · ${yen(one.sales)}`}</title>
            <circle class={`tone-${TONES[one.state]}`} cx={x(one.longitude)} cy={y(one.latitude)} r={(isFew ? 7 : 3) + (isFew ? 13 : 5) * Math.sqrt((one.sales ?? 0) / most)} />
            {isFew && <text x={x(one.longitude)} y={y(one.latitude) + 32} text-anchor="middle">{one.id}</text>}
          </a>
        ))}
      </svg>
    </>
  );
}

const range = (values: number[]): [number, number] => [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
