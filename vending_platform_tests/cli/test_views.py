"""What a person reads at a terminal."""

import io

from vending_platform.cli.views import status_view
from vending_platform.console import PlainConsole
from vending_platform.exporting import Damage
from vending_platform.ingestion.status import without_findings
from vending_platform.status import PlatformStatus

NOTHING_LOADED = without_findings("2024-03-20")


def lines_about(*damaged: Damage) -> list[str]:
    shown = io.StringIO()
    PlainConsole(width=200, file=shown).print(
        status_view(PlatformStatus(NOTHING_LOADED, False, {}, (), [], [], "out", list(damaged)))
    )
    text = shown.getvalue()
    return [line.strip() for line in text.splitlines()]


def test_a_damaged_file_that_a_run_notices_needs_nobody_to_remove_it() -> None:
    lines = lines_about(Damage("sales", "sales/a.csv", "it is gone"))
    assert "out/sales/a.csv: it is gone" in lines
    assert "→ The next run writes them again: vending run" in lines
    assert not [line for line in lines if "emove" in line]


def test_one_that_only_its_hash_shows_has_to_be_removed() -> None:
    hidden = Damage("sales", "sales/a.csv", "it does not hold what was written", only_by_hash=True)
    lines = lines_about(hidden, Damage("sales", "sales/b.csv", "it is gone"))
    assert "→ Remove them, and the next run writes them again: vending run" in lines
    assert lines.index("out/sales/b.csv: it is gone") < lines.index("out/sales/a.csv")
