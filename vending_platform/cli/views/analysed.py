"""What a pipeline's functions gave, what is missing, and why."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.analysis import Analysed
from vending_platform.cli.views.parts import count, new_table, problem_lists, with_commas

_ROWS = 5


def analysed_view(done: Analysed, rows: int, written: Sequence[Path] | None, *, with_rows: bool) -> RenderableType:
    """Every result with its rows; `with_rows` also its first rows, unless files have them."""
    lines: list[RenderableType] = [f"{count(rows, 'row')} read."]
    table = new_table("result", "rows", "columns")
    for name, result in done.results.items():
        table.add_row(name, with_commas(result.height), with_commas(result.width))
    if done.results:
        lines.append(table)
    if with_rows and written is None:
        lines += [_first_rows(name, result) for name, result in done.results.items()]
    broken = [f"{check.function}: {check.message}" for check in done.checks if not check.passed and not check.must_pass]
    lines += problem_lists(
        [
            ("Missing", [f"{one.function}: {one.reason}" for one in done.missing], None),
            ("Checks that warn", broken, None),
        ]
    )
    if written is not None:
        lines.append(f"\n{count(len(written), 'file')} written to {written[0].parent if written else '-'}")
    return Group(*lines)


def _first_rows(name: str, rows: pl.DataFrame) -> RenderableType:
    """As CSV, so that nothing is cut off, however wide it is."""
    lines: list[RenderableType] = [Text(f"\n{name}", style="bold"), Text(rows.head(_ROWS).write_csv().rstrip())]
    if rows.height > _ROWS:
        lines.append(Text(f"… and {with_commas(rows.height - _ROWS)} more: --out DIR writes all", style="dim"))
    return Group(*lines)
