"""Which domains there are: folders with a dbt project and an `environments.yml`."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from vending_platform.environment.declared import EnvironmentsFile, read_environments
from vending_platform.environment.errors import UnknownDomain

PROJECT_DIR = Path(__file__).resolve().parents[2]
DEFAULT_DOMAIN = "vending"
ENVIRONMENTS_FILE = "environments.yml"
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
"""The default domain's."""


@dataclass(frozen=True)
class Domain:
    """A dbt project, and what differs between the environments that it runs in."""

    project_dir: Path
    declared: EnvironmentsFile

    @property
    def name(self) -> str:
        return self.declared.domain


def find_domain(name: str) -> Domain:
    """The domain of this name; a name with a slash is the folder of a dbt project that lies elsewhere."""
    if "/" in name:
        return _domain_in(Path(name).resolve())
    known = []
    for domain in domains():
        if domain.name == name:
            return domain
        known.append(domain.name)
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}."
    raise UnknownDomain(f"{name!r} is not a domain; {hint}")


def domains() -> Iterator[Domain]:
    """All of the repository's, the default one first: it is nearly always the one that is meant."""
    for folder in (DBT_PROJECT_DIR, *sorted((PROJECT_DIR / "domains").glob("*"))):
        if (folder / ENVIRONMENTS_FILE).is_file():
            yield _domain_in(folder)


def _domain_in(folder: Path) -> Domain:
    return Domain(folder, read_environments(folder / ENVIRONMENTS_FILE))
