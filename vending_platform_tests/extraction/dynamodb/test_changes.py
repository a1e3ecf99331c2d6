"""What exports say of a table, one after the other: the deliveries end as the table does."""

from datetime import UTC, date, datetime
from decimal import Decimal

from vending_platform.extraction import ChosenDays
from vending_platform_tests.extraction.dynamodb.parts import REFUNDS, ExtractedItems, sources_of


def test_the_whole_table_first_and_then_what_changed(app: ExtractedItems) -> None:
    app.put(
        "C#1",
        "REFUND#1",
        kind="refund",
        amount={"N": "130"},
        share={"N": "0.1000000001"},
        is_paid={"BOOL": False},
        made_on="2024-03-01",
        requested_at="2024-03-01T09:30:00.25+09:00",
        note="",
    )
    app.put("D#1", "VISIT#1", machine="VM001", shown_at="2024-03-01T09:30:00")
    app.put("C#1", "PROFILE", kind="customer")
    app.emulator.pass_time(hours=1)
    refunds, visits = app.extract()
    assert (refunds.rows, refunds.rows_read, visits.rows, refunds.problem) == (1, 1, 1, None)
    assert app.now("refunds") == [
        {
            "pk": "C#1",
            "sk": "REFUND#1",
            "kind": "refund",
            "amount": 130,
            "share": Decimal("0.1000000001"),
            "is_paid": False,
            "made_on": date(2024, 3, 1),
            "note": "",
            "photo": None,
            "requested_at": datetime(2024, 3, 1, 0, 30, 0, 250_000, UTC),
        }
    ]
    app.emulator.pass_time(hours=1)
    app.put("C#2", "REFUND#2", kind="refund")
    app.emulator.pass_time(hours=23)
    refunds, visits = app.extract()
    assert (refunds.rows, visits.rows, visits.path) == (1, 0, None)
    assert [request["ExportType"] for request in app.emulator.requested] == ["FULL_EXPORT", "INCREMENTAL_EXPORT"]
    assert app.keys("refunds") == [("C#1", "REFUND#1"), ("C#2", "REFUND#2")]


def test_exports_are_laid_down_under_the_business_day(app: ExtractedItems) -> None:
    app.emulator.set_to = datetime(2024, 3, 1, 16, tzinfo=UTC)  # it is the next day in Japan
    app.extract()
    assert app.emulator.requested[0]["S3Prefix"] == f"raw-data/internal/dynamodb-exports/{app.name}/dt=2024-03-02"


def test_what_is_deleted_comes_once_more_as_it_was(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund", amount={"N": "130"})
    app.put("C#1", "REFUND#2", kind="refund")
    app.emulator.pass_time(hours=1)
    app.extract()
    app.delete("C#1", "REFUND#1")
    app.emulator.pass_time(hours=1)
    refunds, _ = app.extract()
    assert (refunds.rows, refunds.deleted) == (1, 1)
    assert app.keys("refunds") == [("C#1", "REFUND#2")]
    loaded = app.load()
    rows = loaded.rows("select sk, amount, is_deleted from raw.refunds order by sk, is_deleted")
    assert [tuple(row.values()) for row in rows] == [
        ("REFUND#1", 130, False),
        ("REFUND#1", 130, True),
        ("REFUND#2", None, False),
    ]


def test_without_a_column_for_it_what_expired_stays(app: ExtractedItems) -> None:
    app.sources = sources_of(refunds=({k: v for k, v in REFUNDS.items() if k != "is_deleted"}, {}))
    app.put("C#1", "REFUND#1", kind="refund")
    app.emulator.pass_time(hours=1)
    app.extract()
    app.delete("C#1", "REFUND#1")
    app.emulator.pass_time(hours=1)
    (refunds,) = app.extract()
    assert refunds.path is None
    assert app.keys("refunds") == [("C#1", "REFUND#1")]


def test_an_item_that_becomes_another_kind_leaves_the_one_table_and_enters_the_other(app: ExtractedItems) -> None:
    app.put("C#1", "VISIT#1", kind="refund")
    app.emulator.pass_time(hours=1)
    app.extract()
    app.put("C#1", "VISIT#1", kind="check-in")
    app.emulator.pass_time(hours=1)
    refunds, visits = app.extract()
    assert (refunds.deleted, visits.deleted, visits.rows) == (1, 0, 1)
    assert (app.keys("refunds"), app.keys("visits")) == ([], [("C#1", "VISIT#1")])


def test_windows_follow_each_other_without_a_gap_a_day_at_most_each(app: ExtractedItems) -> None:
    app.extract()
    for day in range(3):
        app.put("C#1", f"REFUND#{day}", kind="refund")
        app.emulator.pass_time(hours=22)
    app.extract()
    windows = [request["IncrementalExportSpecification"] for request in app.emulator.requested[1:]]
    assert [one["ExportFromTime"] for one in windows[1:]] == [one["ExportToTime"] for one in windows[:-1]]
    assert len(windows) == 3
    assert len(app.keys("refunds")) == 3


def test_two_extractions_within_a_minute(app: ExtractedItems) -> None:
    app.emulator.pass_time(hours=1)
    app.extract()
    app.put("C#1", "REFUND#1", kind="refund")
    app.emulator.pass_time(minutes=1)
    app.extract()
    assert app.keys("refunds") == [("C#1", "REFUND#1")]
    window = app.emulator.requested[-1]["IncrementalExportSpecification"]
    assert window["ExportToTime"] - window["ExportFromTime"] == 15 * 60


def test_an_item_of_an_overlap_that_was_made_and_deleted_within_it(app: ExtractedItems) -> None:
    app.emulator.pass_time(hours=1)
    app.extract()
    app.emulator.pass_time(hours=1)
    app.put("C#1", "REFUND#1", kind="refund")
    app.emulator.pass_time(minutes=1)
    app.extract("refunds")
    app.delete("C#1", "REFUND#1")
    app.emulator.pass_time(minutes=1)
    app.extract()  # from where the visits ended: there the item did not exist yet, and does not exist any more
    assert app.keys("refunds") == []


def test_a_source_that_is_new_gets_the_whole_table_and_the_others_what_changed(app: ExtractedItems) -> None:
    app.put("D#1", "VISIT#1")
    app.emulator.pass_time(hours=1)
    app.extract("refunds")
    app.emulator.pass_time(hours=1)
    refunds, visits = app.extract()
    assert (refunds.rows, visits.rows) == (0, 1)
    assert [request["ExportType"] for request in app.emulator.requested[1:]] == ["FULL_EXPORT", "INCREMENTAL_EXPORT"]


def test_other_attributes_in_the_contract_mean_the_whole_table(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund", points={"N": "3"})
    app.put("C#1", "REFUND#2", kind="refund")
    app.emulator.pass_time(hours=1)
    app.extract()
    columns = REFUNDS | {"points": {"data_type": "integer"}}
    app.sources = sources_of(refunds=(columns, {"where": {"kind": "refund"}, "deleted": "is_deleted"}))
    app.delete("C#1", "REFUND#2")
    app.emulator.pass_time(hours=1)
    (refunds,) = app.extract()
    assert (refunds.rows, refunds.deleted) == (2, 1)
    assert [row["points"] for row in app.now("refunds")] == [3]
    app.emulator.pass_time(hours=1)
    assert app.extract()[0].path is None


def test_changes_that_are_out_of_reach_mean_the_whole_table(app: ExtractedItems) -> None:
    app.put("C#1", "REFUND#1", kind="refund")
    app.put("C#1", "REFUND#2", kind="refund")
    app.emulator.pass_time(hours=1)
    app.extract()
    app.delete("C#1", "REFUND#1")
    app.emulator.pass_time(hours=36 * 24)
    refunds, _ = app.extract()
    assert (refunds.rows, refunds.deleted) == (1, 1)
    assert app.emulator.requested[-1]["ExportType"] == "FULL_EXPORT"
    assert app.keys("refunds") == [("C#1", "REFUND#2")]


def test_past_days_once_more(app: ExtractedItems) -> None:
    app.extract()
    app.put("C#1", "REFUND#1", kind="refund", note="as it was")
    app.emulator.pass_time(hours=48)
    app.extract()
    for path in app.deliveries("refunds"):
        path.unlink()
    app.put("C#1", "REFUND#1", kind="refund", note="as it is")
    app.emulator.pass_time(hours=1)
    days = ChosenDays(date(2024, 3, 1), date(2024, 3, 1))
    refunds, _ = app.extract(days=days)
    assert refunds.rows == 1
    assert [row["note"] for row in app.now("refunds")] == ["as it was"]
    assert app.extract(days=days)[0].path is None
    app.extract()
    assert [row["note"] for row in app.now("refunds")] == ["as it is"]


def test_a_table_that_is_scanned(app: ExtractedItems) -> None:
    app.is_scanned = True
    for number in range(60):
        app.put(f"C#{number}", "REFUND#1", kind="refund", photo={"B": b"\x00\xff"})
    refunds, _ = app.extract()
    assert refunds.rows == 60
    assert {row["photo"] for row in app.now("refunds")} == {"00FF"}
    app.delete("C#1", "REFUND#1")
    app.put("C#2", "REFUND#1", kind="refund", note="changed")
    app.emulator.pass_time(hours=1)
    refunds, _ = app.extract()
    assert (refunds.rows, refunds.deleted, len(app.keys("refunds"))) == (2, 1, 59)
    assert app.emulator.requested == []
