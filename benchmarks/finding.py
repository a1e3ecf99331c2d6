"""What the marts find in a made-up fleet, held against what happened there.

Fleets of 60 machines over 90 days, with incidents planted (`fleet_simulator/incidents.py`), are loaded and built.

- A *stock-out* is an episode of a slot: from the vend that emptied it to the next visit, or to the end of the period.
  One of the truth and one of `fct_stockouts` are a pair if they are of the same slot and overlap; each is in one pair
  at most. Episodes that begin before the slot was first counted by a visit count on neither side: until then no one
  can know what is in it. Precision is the share of the mart's episodes that are in a pair, recall that of the truth's.
- A *theft* is found if `mart_cash_reconciliation` breaks its tolerance at that visit. A breach at any other visit is a
  false alarm, also where the sum was a few coins off: no one needs to check those.
- A *dead machine* is found if `mart_machine_health` suspects it on one of the days that its dead time touches. A day on
  which a machine is suspected that is not dead at any time of it is a false alarm. A machine that is in maintenance,
  and sells nothing from some day on, counts on neither side from that day on.
- A *wrong price* at one machine is planted too, and the books have to close over it. No mart looks for it:
  `mart_price_changes` is about a product in the whole fleet.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import duckdb
from rich.console import Console

from benchmarks.fleets import DAYS, FIRST_DAY, ONLY_MODELS, SEEDS, loaded, parsed
from benchmarks.measuring import timed
from benchmarks.table import Row
from vending_platform.ingestion import Selection
from vending_platform_tests.dbt_project.dbt import Dbt

_END = datetime.combine(FIRST_DAY + timedelta(days=DAYS), time())
_MARTS = ("fct_stockouts", "mart_cash_reconciliation", "mart_machine_health")


def finding(folder: Path, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """Stock-outs, missing cash and dead machines of every fleet."""
    project = parsed(folder)
    found = []
    for seed in seeds:
        seconds, one = timed(partial(find, project, seed))
        Console().print(f"Fleet {seed}: {one}; {seconds:.0f} s", soft_wrap=True, highlight=False)
        found.append(one)
    return [
        _at_least("precision of stock-outs, fleet by fleet", [one.stockouts.precision for one in found], 0.9),
        _at_least("their recall", [one.stockouts.recall for one in found], 0.9),
        _all_found("thefts found, and false alarms", [one.thefts for one in found]),
        _all_found("dead machines found, and days of false alarm", [one.dead for one in found]),
    ]


def _at_least(what: str, shares: Sequence[float], limit: float) -> Row:
    return Row(what, ", ".join(f"{share:.3f}" for share in shares), f"at least {limit}", min(shares) >= limit)


def _all_found(what: str, caught: "Sequence[Caught]") -> Row:
    planted, found = sum(one.planted for one in caught), sum(one.found for one in caught)
    false = sum(one.false_alarms for one in caught)
    return Row(what, f"{found} of {planted}, {false} false", "all, none false", (found, false) == (planted, 0))


@dataclass(frozen=True)
class Episode:
    machine_id: str
    slot_no: str
    since: datetime
    until: datetime
    lost_units: float


@dataclass(frozen=True)
class Pairs:
    found: int
    happened: int
    paired: int
    units_found: float
    units_happened: float

    @property
    def precision(self) -> float:
        return self.paired / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.paired / self.happened

    def __str__(self) -> str:
        return (
            f"{self.happened:,} stock-outs, {self.found:,} found, {self.paired:,} of them right"
            f" (units lost: {self.units_found:,.0f} found, {self.units_happened:,.0f} in truth)"
        )


@dataclass(frozen=True)
class Caught:
    planted: int
    found: int
    false_alarms: int

    def __str__(self) -> str:
        return f"{self.found} of {self.planted} and {self.false_alarms} false"


@dataclass(frozen=True)
class Found:
    stockouts: Pairs
    thefts: Caught
    dead: Caught

    def __str__(self) -> str:
        return f"{self.stockouts}; thefts {self.thefts}; dead {self.dead}"


def find(project: Dbt, seed: int) -> Found:
    """Make up a fleet, load it, build it, and hold the marts against the truth."""
    dbt = loaded(project, seed, Selection(), incidents=True)
    dbt("build", "--select", *(f"+{mart}" for mart in _MARTS), *ONLY_MODELS)
    with duckdb.connect(str(dbt.folder / "dbt_dev.duckdb"), read_only=True) as connection:
        folder = dbt.folder
        return Found(_stockouts(folder, connection), _thefts(folder, connection), _dead(folder, connection))


def _stockouts(folder: Path, connection: duckdb.DuckDBPyConnection) -> Pairs:
    counted = {
        (machine, slot): first
        for machine, slot, first in connection.sql(
            "select machine_id, slot_no, min(replenished_at) from raw.replenishment_records group by all"
        ).fetchall()
    }
    found = [
        Episode(machine, slot, since, until or _END, float(lost or 0))
        for machine, slot, since, until, lost in connection.sql(
            "select machine_id, slot_no, started_at, ended_at, units_lost from marts.fct_stockouts"
        ).fetchall()
    ]
    happened = [
        Episode(
            row["machine_id"],
            row["slot_no"],
            datetime.fromisoformat(row["empty_from"]),
            datetime.fromisoformat(row["empty_to"]) if row["empty_to"] else _END,
            float(row["lost_units"]),
        )
        for row in _truth(folder, "stockouts")
    ]
    return pair(_knowable(found, counted), _knowable(happened, counted))


def _knowable(episodes: Iterable[Episode], counted: Mapping[tuple[str, str], datetime]) -> list[Episode]:
    return [one for one in episodes if one.since >= counted.get((one.machine_id, one.slot_no), _END)]


def pair(found: Sequence[Episode], happened: Sequence[Episode]) -> Pairs:
    """Episodes of one slot don't overlap on either side, so pairing each with the first it can pairs the most."""
    by_slot: dict[tuple[str, str], tuple[list[Episode], list[Episode]]] = defaultdict(lambda: ([], []))
    for side, episodes in enumerate((found, happened)):
        for one in sorted(episodes, key=lambda one: one.since):
            by_slot[one.machine_id, one.slot_no][side].append(one)
    return Pairs(
        found=len(found),
        happened=len(happened),
        paired=sum(_paired(ours, theirs) for ours, theirs in by_slot.values()),
        units_found=sum(one.lost_units for one in found),
        units_happened=sum(one.lost_units for one in happened),
    )


def _paired(ours: Sequence[Episode], theirs: Sequence[Episode]) -> int:
    a = b = count = 0
    while a < len(ours) and b < len(theirs):
        if ours[a].since < theirs[b].until and theirs[b].since < ours[a].until:
            a, b, count = a + 1, b + 1, count + 1
        elif ours[a].until <= theirs[b].until:
            a += 1
        else:
            b += 1
    return count


def _thefts(folder: Path, connection: duckdb.DuckDBPyConnection) -> Caught:
    planted = {row["visit_id"] for row in _incidents(folder, "theft")}
    query = "select visit_id from marts.mart_cash_reconciliation where is_breached"
    breached = {visit for (visit,) in connection.sql(query).fetchall()}
    return Caught(len(planted), len(planted & breached), len(breached - planted))


def _dead(folder: Path, connection: duckdb.DuckDBPyConnection) -> Caught:
    dead = {
        row["machine_id"]: _days(datetime.fromisoformat(row["began_at"]), datetime.fromisoformat(row["ended_at"]))
        for row in _incidents(folder, "dead")
    }
    machines = json.loads((folder / "truth/truth.json").read_text(encoding="utf-8"))["machines"]
    silent = {row["machine_id"]: date.fromisoformat(row["silent_from"]) for row in machines if row["silent_from"]}
    suspected = {
        (machine, day)
        for machine, day in connection.sql(
            "select machine_id, business_date from marts.mart_machine_health where is_suspected_down"
        ).fetchall()
        if day < silent.get(machine, date.max)
    }
    right = {(machine, day) for machine, day in suspected if day in dead.get(machine, ())}
    return Caught(len(dead), len({machine for machine, _ in right}), len(suspected - right))


def _days(begins: datetime, ends: datetime) -> set[date]:
    return {begins.date() + timedelta(days=number) for number in range((ends.date() - begins.date()).days + 1)}


def _incidents(folder: Path, kind: str) -> Iterator[dict[str, str]]:
    return (row for row in _truth(folder, "incidents") if row["kind"] == kind)


def _truth(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
