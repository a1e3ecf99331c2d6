"""What a change touches, tested in under a minute: `make quick`, or `make quick PATHS="vending_platform/alerts …"`.

Without paths, git says what changed: what is not committed, or else the last commit. Test modules come in the order of
how near they are to the change, as long as their recorded durations fit into the time; the others are listed.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from vending_platform.console import PlainConsole
from vending_platform_tests.order import recorded_durations
from vending_platform_tests.syntax import syntax_tree

out = PlainConsole(soft_wrap=True)
ROOT = Path(__file__).parent.parent
TESTS, PACKAGE = "vending_platform_tests", "vending_platform"
BUDGET = 60.0
"""Seconds of tests, which the workers share."""
_OF_FOLDERS = {
    "dbt_project/": ("dbt_project/", "end_to_end/test_deliveries_become_marts.py"),
    "deployment/": ("deployment/",),
    "benchmarks/": ("benchmarks/",),
    "docs/": ("doctor/", "warehouse/test_snowflake_setup.py"),
}
"""Folders without Python imports, and the tests that look at what is in them."""


def main() -> int:
    changed = [path for given in sys.argv[1:] for path in _files(given)] or _changed_files()
    imports = {path: imported(ROOT / path) for path in _test_files()}
    modules = [path for path in imports if Path(path).name.startswith("test_")]
    chosen, left_out = within(BUDGET, nearest_first(changed, modules, imports), recorded_durations())
    if left_out:
        out.print(f"Left out, as they take longer than a minute: {' '.join(left_out)}")
    if not chosen:
        out.print(f"No test looks at {', '.join(changed) or 'anything: nothing has changed'}.")
        return 0
    out.print(f"{len(chosen)} test modules for {len(changed)} changed files")
    return subprocess.run([sys.executable, "-m", "pytest", *chosen], cwd=ROOT, check=False).returncode


def nearest_first(
    changed: Iterable[str], modules: Iterable[str], imports: Mapping[str, frozenset[str]]
) -> dict[str, int]:
    """The test modules that look at any of these files, with how far each is from the nearest of them: 0 is the module
    itself, 1 the one that mirrors a file, 2 imports it, 3 imports its package."""
    found: dict[str, int] = {}
    for module in modules:
        distances = [far for path in changed if (far := _distance(path, module, imports)) is not None]
        if distances:
            found[module] = min(distances)
    return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))


def _distance(path: str, module: str, imports: Mapping[str, frozenset[str]]) -> int | None:
    if path == module:
        return 0
    if module == _mirror(path):
        return 1
    for folder, tests in _OF_FOLDERS.items():
        if path.startswith(folder) and any(module.startswith(f"{TESTS}/{test}") for test in tests):
            return 2
    if not path.endswith(".py"):
        return None
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    if name in imports[module]:
        return 2
    return 3 if name.rpartition(".")[0] in imports[module] - {PACKAGE, TESTS} else None


def _mirror(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder.replace(PACKAGE, TESTS, 1)}/test_{name}"


def within(budget: float, modules: Mapping[str, int], seconds: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """As many of the nearest as fit, and the rest. What has changed itself is always among them."""
    chosen, left_out, spent = [], [], 0.0
    for module, distance in modules.items():
        cost = seconds.get(module, 0.0)
        if distance == 0 or spent + cost <= budget:
            chosen.append(module)
            spent += cost
        else:
            left_out.append(module)
    return chosen, left_out


def imported(path: Path) -> frozenset[str]:
    """The modules that a file imports; of `from a import b` both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def _test_files() -> Iterator[str]:
    for path in sorted((ROOT / TESTS).rglob("*.py")):
        yield str(path.relative_to(ROOT))


def _files(given: str) -> Iterator[str]:
    path = Path(given)
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        yield str(file.resolve().relative_to(ROOT))


def _changed_files() -> list[str]:
    uncommitted = [*_git("diff", "--name-only", "HEAD"), *_git("ls-files", "--others", "--exclude-standard")]
    return uncommitted or _git("diff", "--name-only", "HEAD~1", "HEAD")


def _git(*words: str) -> list[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


if __name__ == "__main__":
    sys.exit(main())
