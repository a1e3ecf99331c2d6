"""Everything that can go wrong with a delivery, planted on a modest share of the files.

The platform's rules decide what should become of each: a file that can't be read as a whole (nothing in it,
cut off, a required column missing, a column twice, an open quote, NUL, a byte in no allowed encoding) or
that is mostly bad is quarantined; all others are loaded without the rows that break a rule; a name without a
contract stays undeclared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from fleet_simulator.files import COLUMNS, REPLENISHMENT, SALES, Delivery, csv_bytes
from fleet_simulator.shipping import (
    LOADED,
    QUARANTINED,
    UNDECLARED,
    BadRow,
    Shipment,
    ShippedVersion,
    as_it_should_be,
)

# Up to this many files there is one of each kind, above it this share of the files is untidy.
_SMALL_FLEET_FILES = 200
_UNTIDY_SHARE = 0.03
# Enough rows for a bad one in three to leave the file mostly good.
_FEWEST_ROWS = 6
# No machine vends so often in a day: numbers from here on are free for rows that should not be there.
_STRAY_SEQUENCE = 90_001
# No fleet is large enough to have it.
_UNKNOWN_MACHINE = "VM9999"

_MEMOS = (
    "㈱本社より電話あり",
    "釣銭補充済①",
    "髙橋様 要連絡",
    "柳ノ﨑へ転送",
    "温度確認・異常なし",
    "紙幣詰まり②解消",
)
_AWKWARD_MEMOS = ("お客様, 返金希望", "表示に「売切」\nと出たまま", '貼紙 "故障中" を撤去', "扉,鍵\n要点検")

_SWAPPED, _MASTER = "another_machines_content", "master_cp932"

_Sheet = list[list[str]]
_Change = Callable[[Delivery, np.random.Generator], Shipment]


@dataclass(frozen=True)
class Mess:
    """All shipments in their order, planted ones included, and what was planted."""

    shipments: tuple[Shipment, ...]
    planted: Mapping[str, int]
    cash_differences: tuple[dict[str, Any], ...]


def plant(deliveries: Sequence[Delivery], *, seed: int, only: Collection[str]) -> Mess:
    """The deliveries with every kind of untidiness in them, or fewer kinds if there are too few files.

    With `only` it is these kinds, on the same files as if there were all of them.
    """
    rng = np.random.default_rng([seed, 0, 6])
    shuffled = [deliveries[position] for position in rng.permutation(len(deliveries)).tolist()]
    large_enough = [delivery for delivery in shuffled if delivery.rows >= _FEWEST_ROWS]
    pools = {
        source: [delivery for delivery in large_enough if delivery.source == source]
        for source in (SALES, REPLENISHMENT)
    }
    # At least half of the sales files stay as they are, however small the fleet.
    most = len(pools[SALES]) // 2
    kinds = len(_CHANGES) + len(_ADDITIONS) + 1
    per_kind = 1
    if len(deliveries) > _SMALL_FLEET_FILES:
        per_kind = max(1, round(_UNTIDY_SHARE * len(deliveries) / kinds))

    changed: dict[str, Shipment] = {}
    added: dict[str, Shipment] = {}
    for _ in range(per_kind):
        for kind, (source, change) in _CHANGES.items():
            if pools[source] and len(changed) < most:
                target = pools[source].pop()
                changed[target.name] = replace(change(target, rng), untidiness=kind)
        pair = _same_day_pair(pools[SALES]) if len(changed) < most else None
        if pair is not None:
            swapped = replace(_anothers_content(*pair), untidiness=_SWAPPED)
            changed[swapped.name] = swapped
        for kind, add in _ADDITIONS.items():
            if pools[SALES]:
                extra = replace(add(pools[SALES].pop(), rng), untidiness=kind)
                added.setdefault(extra.name, extra)
    machines = next(delivery for delivery in deliveries if delivery.source == "vending_machines")
    as_cp932 = _intact(machines, machines.content.decode().encode("cp932"))
    changed[machines.name] = replace(as_cp932, untidiness=_MASTER)
    if only:
        changed = {name: shipment for name, shipment in changed.items() if shipment.untidiness in only}
        added = {name: shipment for name, shipment in added.items() if shipment.untidiness in only}

    shipments = (
        *(changed.get(delivery.name) or as_it_should_be(delivery) for delivery in deliveries),
        *(extra for _, extra in sorted(added.items())),
    )
    planted = Counter(shipment.untidiness for shipment in shipments if shipment.untidiness)
    return Mess(
        shipments=shipments,
        planted=dict(sorted(planted.items())),
        cash_differences=tuple(
            _cash_difference(delivery, changed[delivery.name])
            for delivery in deliveries
            if delivery.name in changed and changed[delivery.name].untidiness == "cash_difference"
        ),
    )


def _same_day_pair(pool: list[Delivery]) -> tuple[Delivery, Delivery] | None:
    """Two files of one day, taken out of the pool; the second one, whose content is used, so stays tidy."""
    seen: dict[date | None, Delivery] = {}
    for delivery in reversed(pool):
        other = seen.setdefault(delivery.business_day, delivery)
        if other is not delivery:
            pool.remove(delivery)
            pool.remove(other)
            return delivery, other
    return None


# --- when and how often a file comes ------------------------------------------------------------------------


def _late(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return replace(as_it_should_be(delivery), versions=(ShippedVersion(int(rng.integers(2, 4)), delivery.content),))


def _corrected_short(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    sheet = _sheet(delivery)
    short = _written(delivery.source, sheet[: len(sheet) // 2])
    return replace(as_it_should_be(delivery), versions=(ShippedVersion(1, short), ShippedVersion(2, delivery.content)))


def _corrected_values(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    wrong = _bad_value("unit_price", "", "")(delivery, rng).versions[0].content
    return replace(as_it_should_be(delivery), versions=(ShippedVersion(1, wrong), ShippedVersion(2, delivery.content)))


def _delivered_twice(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return replace(
        as_it_should_be(delivery), versions=(ShippedVersion(1, delivery.content), ShippedVersion(2, delivery.content))
    )


def _withdrawn(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return replace(as_it_should_be(delivery), versions=(ShippedVersion(1, delivery.content), ShippedVersion(3, None)))


def _missing(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return replace(as_it_should_be(delivery), versions=())


def _anothers_content(delivery: Delivery, other: Delivery) -> Shipment:
    """What another machine sent for the same day, under this one's name."""
    bad_rows = tuple(BadRow(line, "row of another machine") for line in range(2, other.rows + 2))
    return _quarantined(delivery, other.content, rows=other.rows, bad_rows=bad_rows)


# --- files cut off or empty ---------------------------------------------------------------------------------


def _empty(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _quarantined(delivery, b"")


def _header_only(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return replace(
        _intact(delivery, _written(delivery.source, [])),
        rows_delivered=0,
        rows_good=0,
        units_good=0,
        yen_good=0,
    )


def _truncated_row(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    """Cut off within the time of the last vend."""
    *whole, last = delivery.content.splitlines(keepends=True)
    return _quarantined(delivery, b"".join(whole) + b",".join(last.split(b",")[:5])[:-4])


def _truncated_character(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    """The line feed and the last byte of a three-byte character are gone."""
    return _quarantined(delivery, _with_memo(delivery, _MEMOS, last_too=True)[:-2])


# --- encodings and line ends --------------------------------------------------------------------------------


def _utf8_bom(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _intact(delivery, b"\xef\xbb\xbf" + delivery.content)


def _crlf(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _intact(delivery, delivery.content.replace(b"\n", b"\r\n"))


def _lone_cr(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _intact(delivery, delivery.content.replace(b"\n", b"\r"))


def _memo_cp932(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _intact(delivery, _with_memo(delivery, _MEMOS).decode().encode("cp932"))


def _undecodable_byte(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    """A first byte of a character, with a line feed behind it: neither UTF-8 nor CP932 can read it.

    0xFF would not do: Python's cp932 reads it as a character for private use.
    """
    lines = _with_memo(delivery, _MEMOS).splitlines()
    without_memo = next(position for position in range(len(lines) // 2, len(lines)) if lines[position].isascii())
    lines[without_memo] += b"\xe3"
    return _quarantined(delivery, b"\n".join(lines) + b"\n")


def _nul_bytes(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    middle = delivery.content.index(b"\n", len(delivery.content) // 2) - 4
    return _quarantined(delivery, delivery.content[:middle] + b"\0\0" + delivery.content[middle:])


# --- columns and quotes -------------------------------------------------------------------------------------


def _quoted_memo(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _intact(delivery, _with_memo(delivery, _AWKWARD_MEMOS))


def _unknown_column(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    rows = [[*row, f"2.{position % 3}"] for position, row in enumerate(_sheet(delivery))]
    return _intact(delivery, csv_bytes((*COLUMNS[delivery.source], "firmware"), rows))


def _missing_required_column(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _quarantined(delivery, _without_column(delivery, "status"), rows=delivery.rows)


def _missing_optional_column(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _intact(delivery, _without_column(delivery, "removal_reason"))


def _reordered_columns(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    return _intact(delivery, _columns(delivery, list(range(len(COLUMNS[delivery.source])))[::-1]))


def _duplicated_column(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    every = list(range(len(COLUMNS[delivery.source])))
    return _quarantined(delivery, _columns(delivery, [*every, every[5]]), rows=delivery.rows)


def _broken_quote(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    sheet = _sheet(delivery)
    middle = sheet[len(sheet) // 2]
    lines = [",".join(row) for row in (list(COLUMNS[delivery.source]), *sheet)]
    lines[len(sheet) // 2 + 1] = ",".join([*middle[:3], f'"{middle[3]}', *middle[4:]])
    return _quarantined(delivery, ("\n".join(lines) + "\n").encode())


# --- rows ---------------------------------------------------------------------------------------------------


def _bad_value(column: str, value: str, reason: str) -> _Change:
    """One to three rows, but never more than a third, with a value that the contract does not allow."""

    def change(delivery: Delivery, rng: np.random.Generator) -> Shipment:
        sheet = _sheet(delivery)
        position = COLUMNS[delivery.source].index(column)
        chosen = _some_rows(sheet, rng)
        for row in chosen:
            sheet[row][position] = value.format(day=delivery.business_day)
        return _without_bad_rows(delivery, sheet, chosen, reason)

    return change


def _wrong_number_of_fields(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    sheet = _sheet(delivery)
    chosen = sorted(rng.choice(len(sheet), size=2, replace=False).tolist())
    sheet[chosen[0]].pop()
    sheet[chosen[1]].append("0")
    return _without_bad_rows(delivery, sheet, chosen, "wrong number of fields")


def _mostly_bad_rows(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    sheet = _sheet(delivery)
    chosen = sorted(rng.choice(len(sheet), size=len(sheet) * 3 // 5 + 1, replace=False).tolist())
    for row in chosen:
        sheet[row][5] = "one"
    bad = tuple(BadRow(row + 2, "quantity is not a number") for row in chosen)
    return _quarantined(delivery, _written(delivery.source, sheet), rows=len(sheet), bad_rows=bad)


def _rows_of_a_wrong_day(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    """Two rows more, with vends of three days earlier that no other file reports."""
    if delivery.business_day is None:
        raise ValueError(f"{delivery.name} has no business day.")
    earlier = delivery.business_day - timedelta(days=3)
    strays = []
    for nth, row in enumerate(_sheet(delivery)[:2]):
        key = f"{delivery.machine_id}-{earlier:%Y%m%d}-{_STRAY_SEQUENCE + nth}"
        strays.append([key, *row[1:4], f"{earlier} {row[4][11:]}", *row[5:]])
    return _with_strays(delivery, strays, "row of another day")


def _row_of_another_machine(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    """One row more, of the machine with the next number."""
    digits = delivery.machine_id.removeprefix("VM")
    other = f"VM{int(digits) + 1:0{len(digits)}d}"
    row = _sheet(delivery)[0]
    stray = [f"{other}-{delivery.business_day:%Y%m%d}-{_STRAY_SEQUENCE}", other, *row[2:]]
    return _with_strays(delivery, [stray], "row of another machine")


def _cash_short(delivery: Delivery, rng: np.random.Generator) -> Shipment:
    """The day's first visit reports a thousand yen less than was in the box, or more where it held less."""
    sheet = _sheet(delivery)
    column = COLUMNS[REPLENISHMENT].index("cash_collected")
    in_box = int(sheet[0][column])
    sheet[0][column] = str(in_box - 1000 if in_box >= 1000 else in_box + 1000)
    return _intact(delivery, _written(delivery.source, sheet))


def _cash_difference(delivery: Delivery, shipment: Shipment) -> dict[str, Any]:
    column = COLUMNS[REPLENISHMENT].index("cash_collected")
    reported = (shipment.content or b"").decode().splitlines()[1].split(",")
    first = _sheet(delivery)[0]
    return {"visit_id": first[1], "cash_in_box": int(first[column]), "cash_collected": int(reported[column])}


# --- files that should not be there -------------------------------------------------------------------------


def _unknown_machine(template: Delivery, rng: np.random.Generator) -> Shipment:
    """A complete file of a machine that the master does not know."""
    content = template.content.replace(template.machine_id.encode(), _UNKNOWN_MACHINE.encode())
    name = template.name.replace(template.machine_id, _UNKNOWN_MACHINE)
    return replace(_intact(template, content), name=name, machine_id=_UNKNOWN_MACHINE)


def _impossible_day(template: Delivery, rng: np.random.Generator) -> Shipment:
    return _undeclared(f"sales_{template.machine_id}_{template.business_day:%Y}0230.csv", template.content)


def _copied_name(template: Delivery, rng: np.random.Generator) -> Shipment:
    return _undeclared(template.name.replace(".csv", " (1).csv"), template.content)


def _note(template: Delivery, rng: np.random.Generator) -> Shipment:
    return _undeclared("readme.txt", "売上ファイルの置き場所です。㈱本社の許可なく削除しないこと。\n".encode())


def _hidden_file(template: Delivery, rng: np.random.Generator) -> Shipment:
    """What an interrupted upload leaves behind."""
    return _undeclared(f".{template.name}.part", template.content[: len(template.content) // 3])


_CHANGES: dict[str, tuple[str, _Change]] = {
    "late": (SALES, _late),
    "missing": (SALES, _missing),
    "corrected_values": (SALES, _corrected_values),
    "bad_quantity_exponent": (SALES, _bad_value("quantity", "1e3", "quantity is not a whole number")),
    "truncated_row": (SALES, _truncated_row),
    "corrected_short": (SALES, _corrected_short),
    "delivered_twice": (SALES, _delivered_twice),
    "withdrawn": (SALES, _withdrawn),
    "empty": (SALES, _empty),
    "header_only": (SALES, _header_only),
    "missing_required_column": (SALES, _missing_required_column),
    "unknown_column": (SALES, _unknown_column),
    "utf8_bom": (SALES, _utf8_bom),
    "crlf": (SALES, _crlf),
    "memo_cp932": (SALES, _memo_cp932),
    "quoted_memo": (SALES, _quoted_memo),
    "rows_of_a_wrong_day": (SALES, _rows_of_a_wrong_day),
    "row_of_another_machine": (SALES, _row_of_another_machine),
    "missing_optional_column": (REPLENISHMENT, _missing_optional_column),
    "replenishment_cp932": (REPLENISHMENT, _memo_cp932),
    "cash_difference": (REPLENISHMENT, _cash_short),
    "truncated_character": (SALES, _truncated_character),
    "lone_cr": (SALES, _lone_cr),
    "undecodable_byte": (SALES, _undecodable_byte),
    "nul_bytes": (SALES, _nul_bytes),
    "broken_quote": (SALES, _broken_quote),
    "reordered_columns": (SALES, _reordered_columns),
    "duplicated_column": (SALES, _duplicated_column),
    "mostly_bad_rows": (SALES, _mostly_bad_rows),
    "wrong_number_of_fields": (SALES, _wrong_number_of_fields),
    "bad_quantity_fraction": (SALES, _bad_value("quantity", "1.5", "quantity is not a whole number")),
    "bad_quantity_hexadecimal": (SALES, _bad_value("quantity", "0x1F", "quantity is not a whole number")),
    "bad_quantity_negative": (SALES, _bad_value("quantity", "-1", "quantity is below its range")),
    "bad_price_full_width": (SALES, _bad_value("unit_price", "１２０", "unit_price is not in ASCII digits")),
    "bad_price_too_long": (
        SALES,
        _bad_value("unit_price", "12" + "0" * 24, "unit_price has too many digits"),
    ),
    "bad_empty_required": (SALES, _bad_value("product_id", "", "product_id is required")),
    "bad_unknown_status": (SALES, _bad_value("status", "vended", "status is not one of the allowed")),
    "bad_impossible_date": (SALES, _bad_value("sold_at", "{day:%Y}-02-30 10:15:00", "no such day")),
}
_ADDITIONS: dict[str, _Change] = {
    "unknown_machine": _unknown_machine,
    "name_impossible_day": _impossible_day,
    "name_copy": _copied_name,
    "name_note": _note,
    "name_hidden": _hidden_file,
}

KINDS = (*_CHANGES, _SWAPPED, *_ADDITIONS, _MASTER)


def _sheet(delivery: Delivery) -> _Sheet:
    """The rows of a tidy sales or replenishment file: none of their values needs a quote."""
    return [line.split(",") for line in delivery.content.decode().splitlines()[1:]]


def _written(source: str, sheet: _Sheet) -> bytes:
    return csv_bytes(COLUMNS[source], sheet)


def _columns(delivery: Delivery, positions: list[int]) -> bytes:
    names = COLUMNS[delivery.source]
    return csv_bytes(
        [names[position] for position in positions],
        [[row[position] for position in positions] for row in _sheet(delivery)],
    )


def _without_column(delivery: Delivery, name: str) -> bytes:
    columns = COLUMNS[delivery.source]
    return _columns(delivery, [position for position, column in enumerate(columns) if column != name])


def _with_memo(delivery: Delivery, memos: Sequence[str], *, last_too: bool = False) -> bytes:
    """An undeclared column `memo`, filled in every third row."""
    sheet = _sheet(delivery)
    for position, row in enumerate(sheet):
        filled = position % 3 == 0 or (last_too and position == len(sheet) - 1)
        row.append(memos[position // 3 % len(memos)] if filled else "")
    return csv_bytes((*COLUMNS[delivery.source], "memo"), sheet)


def _some_rows(sheet: _Sheet, rng: np.random.Generator) -> list[int]:
    count = min(int(rng.integers(1, 4)), len(sheet) // 3)
    return sorted(rng.choice(len(sheet), size=count, replace=False).tolist())


def _without_bad_rows(delivery: Delivery, sheet: _Sheet, bad: list[int], reason: str) -> Shipment:
    good = [row for position, row in enumerate(_sheet(delivery)) if position not in bad]
    sold = [row for row in good if row[8] == "completed"]
    return replace(
        _intact(delivery, _written(delivery.source, sheet)),
        rows_good=len(good),
        bad_rows=tuple(BadRow(row + 2, reason) for row in bad),
        units_good=sum(int(row[5]) for row in sold),
        yen_good=sum(int(row[5]) * int(row[6]) for row in sold),
    )


def _with_strays(delivery: Delivery, strays: _Sheet, reason: str) -> Shipment:
    sheet = _sheet(delivery)
    return replace(
        _intact(delivery, _written(delivery.source, [*sheet, *strays])),
        rows_delivered=len(sheet) + len(strays),
        bad_rows=tuple(BadRow(len(sheet) + 2 + nth, reason) for nth in range(len(strays))),
    )


def _intact(delivery: Delivery, content: bytes) -> Shipment:
    """Other bytes, the same rows."""
    return replace(as_it_should_be(delivery), versions=(ShippedVersion(1, content),), outcome=LOADED)


def _quarantined(
    delivery: Delivery, content: bytes, *, rows: int | None = None, bad_rows: tuple[BadRow, ...] = ()
) -> Shipment:
    return replace(
        as_it_should_be(delivery),
        versions=(ShippedVersion(1, content),),
        outcome=QUARANTINED,
        rows_delivered=rows,
        rows_good=0,
        bad_rows=bad_rows,
        units_good=0,
        yen_good=0,
    )


def _undeclared(name: str, content: bytes) -> Shipment:
    return Shipment(
        name=name,
        source="",
        machine_id="",
        business_day=None,
        versions=(ShippedVersion(1, content),),
        untidiness="",
        outcome=UNDECLARED,
        rows_delivered=None,
        rows_good=0,
        bad_rows=(),
        units_good=0,
        yen_good=0,
    )
