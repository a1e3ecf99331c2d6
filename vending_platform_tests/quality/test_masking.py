"""Nobody is in what is kept of a failing row."""

import json
from datetime import date

import pytest

from vending_platform.quality import CheckStatus, Dimension, FailedRow, Result, changes
from vending_platform.quality.masking import MASK, masked, masked_words, personal_columns
from vending_platform_tests.quality.parts import run


def test_what_the_project_marks_is_personal_wherever_it_is(manifest: dict[str, object]) -> None:
    assert {"staff_id", "staff_name"} <= personal_columns(dict(manifest))


@pytest.mark.parametrize("column", ["staff_key", "driver", "assigned_employee_no", "raw_text", "Staff_ID", "nickname"])
def test_a_column_is_masked_by_its_mark_or_by_its_name(column: str) -> None:
    assert masked({column: "S0007"}, frozenset({"nickname"})) == {column: MASK}


def test_other_columns_stay_and_long_values_are_cut() -> None:
    told = masked({"machine_id": "VM001", "staffed": 1, "cost": None, "note": "x" * 500}, frozenset())
    assert told == {"machine_id": "VM001", "staffed": "1", "cost": None, "note": "x" * 200 + "…"}


def test_a_reason_that_quotes_a_personal_value_is_masked_and_the_others_stay() -> None:
    told = masked_words("quantity '1e3' is not a whole number; staff_id 'S0007' does not match S", frozenset())
    assert told == f"quantity '1e3' is not a whole number; staff_id: {MASK}"


def test_no_column_of_the_history_has_the_person() -> None:
    row = FailedRow(
        {"staff_id": "高橋", "visit_id": "V1"}, date(2024, 3, 5), "a.csv", 3, "staff_id '高橋' is not a valid number"
    )
    result = Result(
        "contract",
        "raw.replenishment_records",
        Dimension.VALIDITY,
        CheckStatus.FAILED,
        column="staff_id",
        message="staff_id '高橋' is not a valid number",
        sample=(row,),
    )
    told = changes(run(problem="staff_id '高橋' is not a valid number"), [result], frozenset({"staff_id"}))
    kept = json.dumps([c.insert.to_pylist() for c in told if c.insert is not None], default=str, ensure_ascii=False)
    assert "V1" in kept
    assert "高橋" not in kept
