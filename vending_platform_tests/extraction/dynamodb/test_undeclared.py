"""Items that no contract takes: counted, named by what they look like, and never by a value of a person."""

from vending_platform.extraction import ExtractionSummary, UndeclaredItems
from vending_platform_tests.extraction.dynamodb.parts import REFUNDS, VISITS, ExtractedItems, sources_of

BY_KIND = sources_of(
    refunds=(REFUNDS, {"where": {"kind": "refund"}, "deleted": "is_deleted"}),
    visits=(VISITS, {"where": {"kind": ["visit", "check_in"]}}),
)


def undeclared(app: ExtractedItems, *names: str) -> list[tuple[str, int]]:
    summary = ExtractionSummary(tuple(app.extract(*names)))
    assert {one.table for one in summary.undeclared} <= {"app"}
    return [(one.kind, one.items) for one in summary.undeclared]


def test_each_kind_that_no_rule_takes_is_counted(app: ExtractedItems) -> None:
    app.sources = BY_KIND
    app.put("C#1", "REFUND#1", kind="refund")
    app.put("D#1", "VISIT#1", kind="check_in")
    for number in range(3):
        app.put(f"C#{number}", "COUPON", kind="coupon")
    app.put("C#1", "OLD")
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == [("kind coupon", 3), ("no kind", 1)]
    app.put("C#9", "COUPON", kind="coupon")
    app.put("C#1", "OLD", kind="refund")
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == [("kind coupon", 1)]  # what changed since
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == []


def test_of_several_windows_all_are_counted(app: ExtractedItems) -> None:
    app.sources = BY_KIND
    app.emulator.pass_time(hours=1)
    app.extract()
    for number in range(3):
        app.put(f"C#{number}", "COUPON", kind="coupon")
        app.emulator.pass_time(hours=24)
    assert undeclared(app) == [("kind coupon", 3)]


def test_an_item_of_a_source_that_is_not_extracted_now_is_declared(app: ExtractedItems) -> None:
    app.sources = BY_KIND
    app.put("D#1", "VISIT#1", kind="visit")
    app.put("C#1", "COUPON", kind="coupon")
    app.emulator.pass_time(hours=1)
    assert undeclared(app, "refunds") == [("kind coupon", 1)]


def test_a_scan_counts_them_too(app: ExtractedItems) -> None:
    app.sources, app.is_scanned = BY_KIND, True
    app.put("C#1", "COUPON", kind="coupon")
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == [("kind coupon", 1)]


def test_of_keys_only_the_beginning_is_shown(app: ExtractedItems) -> None:
    app.sources = sources_of(visits=(VISITS, {"where": {"sk": "VISIT#*"}}))
    for number in range(30):
        app.put("D#1", f"PHOTO#2024-03-01#{number}")
    app.put("D#1", "yamada@example.com")
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == [("sk PHOTO…", 30), ("another sk", 1)]


def test_what_does_not_read_like_a_kind_is_not_shown(app: ExtractedItems) -> None:
    app.sources = BY_KIND
    for number, kind in enumerate(("090-1234-5678", "山田 太郎", "taro@example.com", "Taro Yamada")):
        app.put(f"C#{number}", "X", kind=kind)
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == [("another kind", 4)]


def test_an_attribute_with_many_values_names_no_kinds(app: ExtractedItems) -> None:
    app.sources = BY_KIND
    for number in range(26):
        app.put(f"C#{number}", "X", kind=f"name_{chr(97 + number)}")
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == [("", 26)]


def test_a_source_of_all_items_leaves_none(app: ExtractedItems) -> None:
    app.sources = sources_of(visits=(VISITS, {}))
    app.put("C#1", "X", kind="coupon")
    app.emulator.pass_time(hours=1)
    assert undeclared(app) == []


def test_how_they_are_named() -> None:
    assert str(UndeclaredItems("app", "kind coupon", 1200)) == "app: 1,200 items with kind coupon"
    assert str(UndeclaredItems("app", "", 1)) == "app: 1 item"
