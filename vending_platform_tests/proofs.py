"""`make proof`: what proves rather than guards, one part after the other, and the results written to `docs/figures.md`.

`make proof ONLY="properties long"` runs some of the parts; of the others the last result stays.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from vending_platform.console import PlainConsole

out = PlainConsole(soft_wrap=True)
err = PlainConsole(soft_wrap=True, stderr=True)
ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "figures.md"
_BEGIN, _END = "<!-- proof -->", "<!-- /proof -->"
_PYTEST = ("-m", "pytest")
_HEAD = ("| part | what | result | time | when |", "|---|---|---|---|---|")
_COVERAGE = ".coverage.json"


@dataclass(frozen=True)
class Part:
    what: str
    command: Sequence[str]
    """What the program is called with."""
    variables: Mapping[str, str] = field(default_factory=dict)
    program: str = sys.executable


@dataclass(frozen=True)
class Result:
    part: str
    what: str
    is_good: bool
    said: str
    """The command's own last line."""
    seconds: float


PARTS = {
    "gate": Part(
        "all tests of the gate",
        ("-m", "slipcover", "--json", "--out", _COVERAGE, *_PYTEST, "-m", "not proof and not live"),
    ),
    "coverage": Part(
        "which lines they ran, 96 % at the least",
        ("-m", "slipcover", "--merge", _COVERAGE, "--out", _COVERAGE, "--skip-covered", "--fail-under", "96"),
    ),
    "properties": Part(
        "every property on ten times as many examples",
        (*_PYTEST, "-m", "not browser and not snowflake and not live and not proof", "--only-properties"),
        {"TEST_EXAMPLES_FACTOR": "10"},
    ),
    "long": Part(
        "the long tests: random kills, histories, the untidy fleet on Snowflake, backfills in the browser",
        (*_PYTEST, "-m", "proof and not live"),
    ),
    "infrastructure": Part(
        "the Terraform code, and that its checks find two dozen faults", ("infra", "MUTATIONS=1"), program="make"
    ),
    "benchmarks": Part("speed and memory, as ratios", ("-m", "benchmarks")),
}


def main() -> int:
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - PARTS.keys():
        err.print(f"no part is called {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
        return 2
    results = []
    for name in names:
        results.append(run(name, PARTS[name]))
        page = with_results(FIGURES.read_text(encoding="utf-8"), results[-1:], date.today(), _commit())
        FIGURES.write_text(page, encoding="utf-8")
    out.print("", *(row(result, date.today(), _commit()) for result in results), sep="\n")
    return 0 if all(result.is_good for result in results) else 1


def run(name: str, part: Part) -> Result:
    """One part, whose output is shown as it comes."""
    out.print(f"\n{name}: {part.what}\n")
    began, said = time.monotonic(), ""
    with subprocess.Popen(
        [part.program, *part.command],
        cwd=ROOT,
        env=os.environ | part.variables,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            out.print(line, end="")
            said = line.strip(" =\n") or said
    return Result(name, part.what, process.returncode == 0, said, time.monotonic() - began)


def row(result: Result, day: date, commit: str) -> str:
    time_taken = f"{result.seconds / 60:.1f} min"
    return f"| {result.part} | {result.what} | {_outcome(result)} | {time_taken} | {day}, {commit} |"


def _outcome(result: Result) -> str:
    """pytest's last line counts; a table's frame says nothing."""
    said = result.said if re.search(r"\d (passed|failed|error)", result.said) else ""
    words = "passed" if result.is_good else "**failed**"
    return f"{words}: {said}" if said else words


def with_results(page: str, results: Sequence[Result], day: date, commit: str) -> str:
    """The page with these results in the place of the last ones of the same parts."""
    before, _, rest = page.partition(_BEGIN)
    last, _, after = rest.partition(_END)
    rows = {line.split(" | ")[0].strip("| "): line for line in last.splitlines() if line.startswith("| ")}
    rows |= {result.part: row(result, day, commit) for result in results}
    table = "\n".join([*_HEAD, *(rows[part] for part in PARTS if part in rows)])
    return f"{before}{_BEGIN}\n{table}\n{_END}{after}"


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
