"""The good news about packages: which are in the marts now, in figures. Pure.

Each is one notice per package and run: `about` names both, and the alerts remember what was sent.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from vending_platform.alerts import Problem, ProblemKind
from vending_platform.catalog import Catalog
from vending_platform.ledger import PackageRecord, PackageState
from vending_platform.orchestration.run_problems import Links

_NEWS_FOR = timedelta(days=2)
"""What was loaded earlier is no news any more, and what was sent about it need not be remembered."""
_MOST = 20
"""Notices of one run; a run that loads years of packages is one notice."""


@dataclass(frozen=True)
class Built:
    """What is known of the tables that are built from packages."""

    stale: Set[date]
    verdicts: Mapping[tuple[str, date | None], bool]
    exports: str
    """Where exports are."""

    def checks_of(self, days: Set[date]) -> str:
        passed = [verdict for (_, day), verdict in self.verdicts.items() if day in days]
        return f"; of {len(passed)} tables built for it {sum(passed)} passed their checks" if passed else ""


def package_notices(
    catalog: Catalog, packages: Iterable[PackageRecord], built: Built, links: Links, now: datetime
) -> Iterator[Problem]:
    """Of every package that was loaded lately and whose days are built; of a run that loaded many, one for all."""
    declared = {package.name: package for package in catalog.packages}
    news: dict[str, list[PackageRecord]] = defaultdict(list)
    for record in packages:
        if record.package not in declared or record.state is not PackageState.LOADED or record.loaded_at is None:
            continue
        if record.business_date not in built.stale and now - record.loaded_at <= _NEWS_FOR:
            news[record.run_id].append(record)
    for run_id, records in news.items():
        if len(records) > _MOST:
            yield _notice(run_id, f"{len(records):,} packages", records, built, links)
            continue
        for record in records:
            package = declared[record.package]
            period = package.grain.written(record.business_date)
            title = f"{record.package} of {package.sender_name} {record.sender} for {period}"
            about = f"{record.package} {record.sender} {period} {run_id}"
            yield _notice(about, f"{title}, revision {record.revision}", [record], built, links)


def _notice(about: str, title: str, records: Sequence[PackageRecord], built: Built, links: Links) -> Problem:
    files, rows = sum(len(record.contents) for record in records), sum(record.rows for record in records)
    return Problem(
        ProblemKind.LOADED,
        about,
        what=f"{title} {'are' if len(records) > 1 else 'is'} loaded",
        where=built.exports,
        why=f"{files:,} files with {rows:,} rows{built.checks_of({record.business_date for record in records})}",
        what_to_do="Nothing.",
        link=links.asset("deliveries"),
        since=max(record.loaded_at for record in records if record.loaded_at is not None),
    )
