"""The dbt manifest of the project as it stands: parsed by dbt once, then kept under the hash of the project's files.

dbt renders the YAML's Jinja, so the YAML itself is never read here. Parsing takes seconds and imports all of dbt;
the kept copy takes milliseconds.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vending_platform.catalog.code import how_it_is_read, parts_of_all
from vending_platform.damage import put_aside
from vending_platform.errors import ConfigurationError

_NOT_PART_OF_THE_PROJECT = {"target", "logs", "dbt_packages"}


class ProjectError(ConfigurationError):
    """The dbt project can't be parsed; the message is dbt's own."""


def read_manifest(project_dir: Path, cache_dir: Path) -> dict[str, Any]:
    """The manifest of exactly the files that lie in `project_dir` now; with what dbt leaves out of it: as `vars` those
    that the project sets, and as `code` the parts of every model's code (`catalog/code.py`)."""
    kept = cache_dir / f"manifest-{project_hash(project_dir)}-{how_it_is_read()}.json"
    manifest = _read(kept)
    if manifest is None:
        manifest = json.loads(_parse(project_dir)) | {"vars": _variables(project_dir)}
        manifest["code"] = parts_of_all(manifest)
        _keep(kept, json.dumps(manifest))
    return manifest


def _variables(project_dir: Path) -> dict[str, Any]:
    """Of all YAML this may be read here: dbt renders no Jinja in it."""
    import yaml  # as the parser of Jinja, needed only when the project has changed

    said = yaml.safe_load((project_dir / "dbt_project.yml").read_text(encoding="utf-8"))
    return said.get("vars") or {}


def _read(kept: Path) -> dict[str, Any] | None:
    try:
        manifest: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        put_aside(kept, error)
        return None
    return manifest


def _keep(kept: Path, text: str) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=kept.parent, suffix=".tmp", delete=False) as aside:
        aside.write(text)
    Path(aside.name).replace(kept)
    for older in kept.parent.iterdir():
        if older != kept and older.name.endswith((".json", ".tmp")):  # of another version, or of a run that was killed
            older.unlink(missing_ok=True)


def project_hash(project_dir: Path) -> str:
    """One hash over dbt's version and the names and the bytes of everything dbt reads."""
    digest = hashlib.sha256(version("dbt-core").encode())
    for path in project_files(project_dir):
        digest.update(f"{path.relative_to(project_dir)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def project_files(project_dir: Path) -> Iterator[Path]:
    """Everything dbt reads, in one order: no leftovers of its runs, nothing hidden."""
    for path in sorted(project_dir.rglob("*")):
        inside = path.relative_to(project_dir)
        if path.is_file() and not _NOT_PART_OF_THE_PROJECT.intersection(inside.parts) and inside.name[0] != ".":
            yield path


def _parse(project_dir: Path) -> str:
    from dbt.cli.main import dbtRunner  # seconds of imports, needed only when the project has changed

    with tempfile.TemporaryDirectory() as target:
        outcome = dbtRunner().invoke(
            [
                *("parse", "--quiet", "--no-use-colors", "--no-partial-parse", "--log-level-file", "none"),
                *(
                    "--project-dir",
                    str(project_dir),
                    "--profiles-dir",
                    str(project_dir),
                    "--target-path",
                    target,
                    "--log-path",
                    target,
                ),
            ]
        )
        if not outcome.success:
            raise ProjectError(f"dbt can't parse {project_dir}: {outcome.exception}")
        return (Path(target) / "manifest.json").read_text(encoding="utf-8")
