"""Packages that are not loaded as they lie in their folders, for status, alerts and the UI."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from vending_platform.catalog import Catalog
from vending_platform.ledger import PackageState, read_packages
from vending_platform.warehouse import Reader

PackageFinding: TypeAlias = dict[str, str | int | None]
"""As JSON has it: package, sender and what one is called, period, state, reason, revisions, since when, until when."""


def package_findings(reader: Reader, catalog: Catalog) -> list[PackageFinding]:
    """Of every package that contracts declare, and that is not in `raw` as it lies in its folder."""
    declared = {package.name: package for package in catalog.packages}
    if not declared:
        return []
    return [
        {
            "package": record.package,
            "sender_name": package.sender_name,
            "sender": record.sender,
            "period": package.grain.written(record.business_date),
            "state": record.state.value,
            "reason": record.reason,
            "revision": record.found_revision,
            "loaded_revision": record.revision,
            "since": record.since.isoformat("T", "seconds"),
            "due_at": (record.since + package.complete_within).isoformat("T", "seconds"),
        }
        for record in read_packages(reader, with_problems=True).values()
        if (package := declared.get(record.package)) is not None
    ]


def overdue(
    findings: Iterable[Mapping[str, str | int | None]], now: datetime | None = None
) -> Iterator[PackageFinding]:
    """Those that are still not complete although their time is up."""
    now = now or datetime.now(UTC)
    for found in findings:
        if found["state"] == PackageState.WAITING and datetime.fromisoformat(str(found["due_at"])) < now:
            yield dict(found)


def refused(findings: Iterable[Mapping[str, str | int | None]]) -> Iterator[PackageFinding]:
    yield from (dict(found) for found in findings if found["state"] == PackageState.REFUSED)


def titled(found: Mapping[str, str | int | None]) -> str:
    """Which package it is about, in words."""
    revision = f", revision {found['revision']}" if found["revision"] is not None else ""
    return f"{found['package']} of {found['sender_name']} {found['sender']} for {found['period']}{revision}"
