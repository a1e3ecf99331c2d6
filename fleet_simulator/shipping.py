"""What became of a delivery on its way: its versions, and what the platform should make of the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fleet_simulator.files import Delivery

LOADED, QUARANTINED, UNDECLARED = "loaded", "quarantined", "undeclared"


@dataclass(frozen=True)
class ShippedVersion:
    """The file's content from that wave on; None where the wave deletes it."""

    wave: int
    content: bytes | None


@dataclass(frozen=True)
class BadRow:
    """A row that the platform should reject; the header stands on line 1."""

    line: int
    reason: str


@dataclass(frozen=True)
class Shipment:
    """A file name with all its versions; without a version it never came.

    `rows_delivered` is None where no strict CSV reader gets to the file's end. Rows, units and yen that are
    *good* are those which the platform should load.
    """

    name: str
    source: str
    machine_id: str
    business_day: date | None
    versions: tuple[ShippedVersion, ...]
    untidiness: str
    outcome: str
    rows_delivered: int | None
    rows_good: int
    bad_rows: tuple[BadRow, ...]
    units_good: int
    yen_good: int

    @property
    def content(self) -> bytes | None:
        """What lies in `sources/` in the end, None for nothing."""
        return self.versions[-1].content if self.versions else None


def as_it_should_be(delivery: Delivery) -> Shipment:
    """The delivery on time, once and intact."""
    return Shipment(
        name=delivery.name,
        source=delivery.source,
        machine_id=delivery.machine_id,
        business_day=delivery.business_day,
        versions=(ShippedVersion(1, delivery.content),),
        untidiness="",
        outcome=LOADED,
        rows_delivered=delivery.rows,
        rows_good=delivery.rows,
        bad_rows=(),
        units_good=delivery.units,
        yen_good=delivery.yen,
    )
