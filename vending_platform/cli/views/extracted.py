"""What an extraction did."""

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.parts import count, new_table, problem_lists, with_commas
from vending_platform.extraction import ExtractionSummary


def extracted_view(done: ExtractionSummary) -> RenderableType:
    delivered = [one for one in done.sources if one.path is not None]
    lines: list[RenderableType] = []
    if delivered:
        table = new_table("source", "rows", "deleted", "kB", "rows a second", "watermark")
        for one in delivered:
            table.add_row(
                one.source,
                with_commas(one.rows),
                with_commas(one.deleted),
                with_commas(-(-one.bytes // 1000)),
                with_commas(round(one.rows_read / one.seconds) if one.seconds else 0),
                (one.watermark or "")[:19],
            )
        lines += [Text(f"Extracted {count(len(delivered), 'table')}", style="bold"), table]
    elif not done.problems and not done.failures:
        lines.append(Text("Nothing has changed since the last extraction.", style="bold"))
    if unchanged := [one for one in done.sources if one.path is None and one.problem is None]:
        lines.append(f"{count(len(unchanged), 'source')} as delivered before.")
    lines += problem_lists(
        [
            (
                "Not extracted",
                list(done.problems),
                "Change the contract, the system or the connection as each line says, and extract again",
            ),
            (
                "Items that no contract takes",
                list(map(str, done.undeclared)),
                "Declare a source for them, with a `where` that they match: what is not declared is not delivered",
            ),
        ]
    )
    return Group(*lines)
