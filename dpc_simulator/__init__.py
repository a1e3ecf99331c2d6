"""Monthly packages as hospitals would send them, from a seed number, with the truth about them. Nothing is real.

>>> generate(Path("data/dpc"), hospitals=3, months=3, seed=7)  # doctest: +SKIP

writes reference tables and packages into `data/dpc/sources/`. With `untidy` the last hospital's packages are not right:
one has a file that was cut off, one has no manifest yet. `python -m dpc_simulator` does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dpc_simulator.cases import Case, first_of_month, treat
from dpc_simulator.packages import folder_of, package_of
from dpc_simulator.reference import hospitals as made_up_hospitals
from dpc_simulator.reference import reference_files
from dpc_simulator.truth import Truth, truth_of

__all__ = ["Generated", "Truth", "generate"]


@dataclass(frozen=True)
class Generated:
    """What was written, and what the marts have to show of it."""

    packages: int
    rows: int
    bytes: int
    truth: Truth


def generate(
    data_dir: Path,
    *,
    hospitals: int,
    months: int,
    seed: int,
    cases: int = 40,
    orders: int = 8,
    first: date = date(2024, 4, 1),
    untidy: bool = False,
) -> Generated:
    """About so many `cases` of a hospital and month, and `orders` of a case. The same arguments give the same bytes."""
    sources = data_dir / "sources"
    of_all = made_up_hospitals(hospitals)
    for path, content in reference_files(of_all, first):
        _write(sources / path, content)
    right: dict[tuple[str, date], list[Case]] = {}
    packages = rows = size = 0
    for hospital in of_all:
        for number, treated in enumerate(treat(hospital, first, months, cases, orders, seed)):
            month = first_of_month(first, number)
            files = package_of(hospital, month, treated, revision=2 if untidy and number == 1 else 1)
            if untidy and hospital is of_all[-1] and number < 2:
                files = _spoiled(files, number)
            else:
                right[hospital.code, month] = treated
            for name, content in files.items():
                _write(sources / folder_of(hospital, month) / name, content)
                size += len(content)
                rows += content.count(b"\n") if name.endswith(".txt") else 0
            packages += 1
    return Generated(packages, rows, size, truth_of(right))


def _spoiled(files: dict[str, bytes], number: int) -> dict[str, bytes]:
    """The first package's procedures were cut off while they were sent; the second one's manifest has not come."""
    if number == 0:
        return {name: content[:-700] if name.startswith("EFn") else content for name, content in files.items()}
    return {name: content for name, content in files.items() if name != "manifest.json"}


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
