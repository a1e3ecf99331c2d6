"""What people learn of packages: once of each and of each run that it is in the marts; and what is wrong, with its
reason."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from vending_platform.alerts import Event, Notification, ProblemKind
from vending_platform.alerts.formatting import text
from vending_platform.ingestion.status import without_findings
from vending_platform.ledger import PackageRecord, PackageState
from vending_platform.orchestration.due import Due
from vending_platform.orchestration.package_notices import Built, package_notices
from vending_platform.orchestration.problems import Seen, problems
from vending_platform.orchestration.run_problems import Links
from vending_platform_tests.ingestion.packages import CATALOG

NOW = datetime(2024, 5, 2, 6, tzinfo=UTC)
APRIL = date(2024, 4, 1)
LOADED = PackageRecord(
    *("monthly", "north", APRIL, "m.json", PackageState.LOADED, None, 2, NOW, "{}", "{}", 2),
    *('{"a": "1", "b": "2"}', 1234, NOW, "run-1"),
)


def notices(*records: PackageRecord, stale: set[date] | None = None, now: datetime = NOW) -> list[str]:
    verdicts: dict[tuple[str, date | None], bool] = {
        ("one", APRIL): True,
        ("two", APRIL): False,
        ("one", date(2024, 3, 1)): True,
    }
    built = Built(stale or set(), verdicts, "s3://place")
    found = package_notices(CATALOG, records, built, Links(None), now)
    return [text(Notification(Event.DONE, one, one.since or now, now), "production") for one in found]


def test_a_package_in_the_marts_is_told_in_figures() -> None:
    (one,) = notices(LOADED)
    assert one.splitlines() == [
        "DONE: monthly of shop north for 2024-04, revision 2 is loaded",
        "Where       production: s3://place",
        "When        2024-05-02 06:00 UTC (15:00 in Japan)",
        "How much    2 files with 1,234 rows; of 2 tables built for it 1 passed their checks",
        "What to do  Nothing.",
    ]


def test_a_run_that_loaded_many_is_one_notice() -> None:
    (one,) = notices(*(replace(LOADED, sender=f"shop-{number}") for number in range(21)))
    assert one.splitlines()[0] == "DONE: 21 packages are loaded"
    assert "42 files with 25,914 rows" in one


def test_what_is_not_built_yet_or_long_ago_or_not_loaded_is_no_news() -> None:
    assert notices(LOADED, stale={APRIL}) == []
    assert notices(LOADED, now=NOW + timedelta(days=3)) == []
    assert notices(replace(LOADED, state=PackageState.WAITING)) == []
    assert notices(replace(LOADED, package="another")) == []


def test_what_is_wrong_says_what_where_since_when_and_what_to_do() -> None:
    finding: dict[str, str | int | None] = {
        "package": "monthly",
        "sender_name": "shop",
        "sender": "north",
        "period": "2024-04",
        "revision": 3,
        "loaded_revision": 2,
        "since": NOW.isoformat(),
        "due_at": NOW.isoformat(),
    }
    status = replace(
        without_findings("now"),
        packages=[
            finding | {"state": "refused", "reason": "L.txt: it has 3 rows, and the manifest lists 4"},
            finding | {"state": "waiting", "reason": "L.txt: it has not come", "sender": "south"},
            finding | {"state": "outdated", "reason": "older", "sender": "west"},
        ],
    )
    seen = Seen(status, {}, (), {}, {})
    found = {one.kind: one for one in problems(seen, Due(None, None, None), {}, Links(None))}
    assert found.keys() == {ProblemKind.INCOMPLETE, ProblemKind.REFUSED}
    refused = found[ProblemKind.REFUSED]
    assert refused.what.startswith("monthly of shop north for 2024-04 is refused")
    assert refused.why == "L.txt: it has 3 rows, and the manifest lists 4"
    assert refused.since == NOW
    assert "vending check FOLDER" in refused.what_to_do
    assert "is not complete" in found[ProblemKind.INCOMPLETE].what
