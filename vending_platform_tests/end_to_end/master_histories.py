"""Masters that come in any way, and the files that are there in the end: what the platform makes of the one must be
what it makes of the other in a fresh data folder.

A history is of one master: its files, dated and not, in two folders, are delivered, corrected, put back from a backup,
broken, delivered again, taken away. The five masters of a fleet have one each, side by side.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from vending_platform_tests.end_to_end.small_platform import DAYS, PRODUCTS_HEADER, day_of_sales, name
from vending_platform_tests.ingestion.raw_folder import machines_file

BROKEN = b"cut off"
STORED_ON = ("2024-02-20", *DAYS[:5], "2024-03-12")
"""Days on which masters are stored, or that are in their names: before, during and after those of the sales."""
FLEET = {
    name(day, machine): day_of_sales(
        day, *numbers, machine_id=machine, product_id=product, transaction_id=f"{machine}-{day}", payment_method_id=paid
    )
    for day, machine, numbers, product, paid in (
        (DAYS[0], "VM001", (1,), "P1", "PM1"),
        (DAYS[0], "VM002", (1,), "P2", "PM2"),
        (DAYS[2], "VM001", (1,), "P3", "PM1"),
        (DAYS[3], "VM002", (1,), "P1", "PM2"),
        (DAYS[5], "VM001", (1,), "P2", "PM2"),
        (DAYS[5], "VM002", (1,), "P3", "PM1"),
    )
}


def _lists(header: str, keys: Mapping[str, tuple[str, str]]) -> tuple[bytes, ...]:
    """Files that list one or more of the keys, each with one of two rows."""
    chosen = (dict.fromkeys(keys, 0), dict.fromkeys(keys, 1), *({k: n} for n, k in enumerate(list(keys)[:2])))
    return tuple("\n".join([header, *(keys[k][n] for k, n in rows.items()), ""]).encode() for rows in chosen)


CONTENTS: dict[str, tuple[bytes, ...]] = {
    "products": _lists(
        PRODUCTS_HEADER,
        {
            p: (f"{p},,Tea,C1,5{p[1]},130,cold,90,2024-01-01,", f"{p},,Tea,C2,9{p[1]},140,hot,90,2024-01-01,")
            for p in ("P1", "P2", "P3")
        },
    ),
    "vending_machines": (
        machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-01-01", "")),
        machines_file(("VM001", "2024-01-01", ""), ("VM002", "2024-03-04", ""), ("VM003", "2024-03-02", "")),
        machines_file(("VM001", "2024-01-01", "2024-03-03")),
        machines_file(("VM003", "2024-01-01", "2024-03-05")),
    ),
    "payment_methods": _lists(
        "payment_method_id,payment_method_name,payment_type,fee_rate",
        {"PM1": ("PM1,Cash,cash,0", "PM1,Cash,cash,0.01"), "PM2": ("PM2,IC,e_money,0.02", "PM2,IC,e_money,0.03")},
    ),
    "product_categories": _lists(
        "category_id,category_name,parent_id",
        {"C1": ("C1,Tea,", "C1,Tea,C2"), "C2": ("C2,Drink,", "C2,Drink,")},
    ),
    "staff": _lists("staff_id,staff_name,branch,route_id", {"S1": ("S1,A,Tokyo,R1", "S1,A,Chiba,R2")}),
}


@dataclass(frozen=True)
class Stored:
    """A file that is put there, with its time; or taken away, if it has no content."""

    content: bytes | None
    day: str = ""
    minute: int = 0

    def put(self, file: Path) -> None:
        if self.content is None:
            file.unlink()
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.content)
        moment = datetime.fromisoformat(f"{self.day} 08:{self.minute:02}:00").replace(tzinfo=ZoneInfo("Asia/Tokyo"))
        os.utime(file, (moment.timestamp(), moment.timestamp()))


@dataclass
class History:
    """What happens to the files of a master, each path in its own order, and what is there afterwards."""

    events: dict[str, list[Stored]] = field(default_factory=dict)
    final: dict[str, Stored] = field(default_factory=dict)
    """With what an undated file held before, as if it had been sent under the days on which it was stored."""


@st.composite
def histories(draw: st.DrawFn, master: str) -> History:
    history = History()
    dated = draw(st.sets(st.sampled_from(STORED_ON[1:4]), max_size=2))
    paths = [f"{master}.csv", f"b/{master}.csv", *(_dated(master, day) for day in sorted(dated))]
    certain = draw(st.sampled_from(paths))
    for minute, path in enumerate(paths):
        if path != certain and draw(st.booleans()):
            continue
        is_dated = minute > 1
        lasting = [
            Stored(draw(st.sampled_from(CONTENTS[master])), day, minute)
            for day in sorted(
                draw(st.sets(st.sampled_from(STORED_ON), min_size=path == certain, max_size=2 - is_dated))
            )
        ]
        events = list(_events(draw, CONTENTS[master], lasting, is_dated))
        history.events[path] = events
        for stored in lasting:
            is_earlier = stored is not events[-1]
            history.final[f"earlier/{minute}/{_dated(master, stored.day)}" if is_earlier else path] = stored
        if events[-1].content is not None:
            history.final[path] = events[-1]
    return history


def _dated(master: str, day: str) -> str:
    return f"{master}_{day.replace('-', '')}.csv"


def _events(draw: st.DrawFn, contents: tuple[bytes, ...], lasting: list[Stored], is_dated: bool) -> Iterator[Stored]:
    """What a path holds, one after the other: before what lasts in the end come others that don't, because they were
    stored for the same day or a later one, or could not be used."""
    anything = st.sampled_from([*contents, BROKEN])
    for stored in lasting:
        if draw(st.booleans()):
            not_before = [day for day in STORED_ON if is_dated or day >= stored.day]
            yield Stored(draw(anything), draw(st.sampled_from(not_before)), 30)
            if draw(st.booleans()):
                yield Stored(None)
        yield stored
    if not lasting:
        yield Stored(draw(anything), draw(st.sampled_from(STORED_ON)), 40)
        yield Stored(None)
    elif not is_dated and draw(st.booleans()):
        yield Stored(BROKEN, draw(st.sampled_from(STORED_ON)), 50)
