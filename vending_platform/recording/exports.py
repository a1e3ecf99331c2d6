"""What was exported, what was held back, and what could not be written."""

from collections.abc import Iterator, Sequence

from vending_platform.catalog import period_of
from vending_platform.exporting import ExportFindings
from vending_platform.quality import CheckStatus, Dimension, Result, Severity

WRITTEN, NOT_HELD_BACK = "written as in the mart", "not held back"


def of_exports(exported: Sequence[ExportFindings]) -> Iterator[Result]:
    """A file became visible only after it was read back and had its mart's rows, so what was written has passed."""
    for export in exported:
        dataset = f"exports.{export.name}"
        for part in export.written:
            day = period_of(part.day) if part.day else None
            yield Result(
                WRITTEN,
                dataset,
                Dimension.CONSISTENCY,
                CheckStatus.PASSED,
                Severity.ERROR,
                failed_rows=0,
                total_rows=part.rows,
                expected="the file holds the mart's rows, read back byte for byte",
                actual=f"rows: {part.rows}, sha256: {part.sha256[:12]}",
                first_day=day,
                last_day=day,
            )
        if export.problem is not None:
            yield Result(
                WRITTEN,
                dataset,
                Dimension.CONSISTENCY,
                CheckStatus.FAILED,
                Severity.ERROR,
                expected="the file holds the mart's rows, read back byte for byte",
                actual="not written",
                message=export.problem,
            )
        for held in export.held_back:
            # Of an export without days it is the export's own name.
            day = period_of(held) if held != export.name else None
            yield Result(
                NOT_HELD_BACK,
                dataset,
                Dimension.TIMELINESS,
                CheckStatus.FAILED,
                Severity.ERROR,
                expected="every check of the mart passed",
                actual="held back, because a check of its mart failed",
                first_day=day,
                last_day=day,
            )
