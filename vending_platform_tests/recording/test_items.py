"""What the quality history has of items that no contract takes."""

from datetime import date

from vending_platform.extraction import Extracted, ExtractionSummary, UndeclaredItems
from vending_platform.quality import CheckStatus
from vending_platform.recording.deliveries import of_items

DAY = date(2024, 3, 1)


def extraction(*undeclared: UndeclaredItems) -> ExtractionSummary:
    return ExtractionSummary(tuple(Extracted(name, DAY, rows_read=5, undeclared=undeclared) for name in ("a", "b")))


def test_undeclared_items_are_a_warning_that_names_them() -> None:
    (result,) = of_items([extraction(UndeclaredItems("app", "kind coupon", 3)), extraction()])
    assert (result.status, result.failed_rows, result.total_rows) == (CheckStatus.WARNED, 3, 23)
    assert [row.reason for row in result.sample] == ["app: 3 items with kind coupon"]


def test_without_any_the_check_passes_and_without_reading_there_is_none() -> None:
    (result,) = of_items([extraction()])
    assert (result.status, result.failed_rows) == (CheckStatus.PASSED, 0)
    assert list(of_items([ExtractionSummary((Extracted("a", DAY),))])) == []
