"""Which files a number comes from."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.parts import count, problem_lists, with_commas
from vending_platform.lineage.provenance import Trace, TracedFile

TRACED = 100
"""How many files are listed before the rest is only counted."""


def trace_view(traced: Trace) -> RenderableType:
    """The row, then the files it comes from, and their lines where they are wanted."""
    lines: list[RenderableType] = [Text(f"{traced.model}: {count(len(traced.rows), 'row')}", style="bold")]
    if len(traced.rows) == 1:
        lines += [Text(f"  {name}: {'' if value is None else value}") for name, value in traced.rows[0].items()]
    if traced.is_stale:
        lines.append(Text("It is to be built again: these files may differ by now. vending run", style="yellow"))
    peers = sum(file.is_peer for file in traced.files)
    lines.append(Text(f"\nComes from {count(len(traced.files) - peers, 'file')}", style="bold"))
    for position, file in enumerate(traced.files[:TRACED]):
        if file.is_peer and position == len(traced.files) - peers:
            lines.append(Text(f"Is compared with rows that come from {count(peers, 'more file')}", style="bold"))
        lines += _file_lines(file)
    if len(traced.files) > TRACED:
        lines.append(f"  … and {with_commas(len(traced.files) - TRACED)} more; all of them: --json")
    if traced.lines_left_out:
        lines.append(f"{with_commas(traced.lines_left_out)} more lines are behind it; add conditions to see them")
    lines += [Text(note, style="dim") for note in traced.notes]
    lines += problem_lists(
        [
            (
                "Not in the number, because the whole file is in quarantine",
                [f"{file.path}: {file.quarantined_because}" for file in traced.missing],
                "Have it delivered again under the same name; or fix its contract and run: vending replay",
            )
        ]
    )
    return Group(*lines)


def _file_lines(file: TracedFile) -> Iterator[RenderableType]:
    behind = "" if file.rows_behind is None else f", {with_commas(file.rows_behind)} of {count(file.rows, 'row')}"
    if file.rows_compared:
        behind = f"{behind if file.rows_behind else ''}, {with_commas(file.rows_compared)} to compare with"
    rejected = f", {with_commas(file.rows_rejected)} rejected" if file.rows_rejected else ""
    yield Text.assemble(f"  {file.path}", (f" as {file.source}{behind}{rejected}", "dim"))
    if file.package is not None:
        yield Text(f"    in the package {file.package}", style="dim")
    yield Text(f"    delivered {file.delivered_at:%Y-%m-%d %H:%M}, sha256 {file.sha256}", style="dim")
    for line in file.lines:
        values = ", ".join(f"{name} {value}" for name, value in line.values.items() if value is not None)
        yield Text(f"    line {line.number}{' (compared)' if line.is_peer else ''}: {values}")
