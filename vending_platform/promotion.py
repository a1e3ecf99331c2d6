"""Which version of the dbt project may transform in production: one that staging has built, with every check passed.

Staging signs off a version under `promotion/verified/` of its artifacts: first the project itself, then a marker that
names it, by the hash over its files and by the git revision. S3 replicates that folder to production's bucket, so
neither account can read the other. Production uses the version that is deployed there if it was signed off, and else
the last one that was; so a version that was merged too early, or was never tried, waits. A person may override this
with a reason, which is kept beside it.
"""

import hashlib
import io
import json
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from vending_platform.catalog import project_files, project_hash
from vending_platform.errors import NotAllowed
from vending_platform.storage import Place

_VERIFIED, _OVERRIDES = "promotion/verified", "promotion/overrides"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The same files give the same bytes, whenever they were written."""


class PromotionError(NotAllowed):
    """Nothing may transform; the message says why, and what to do."""


@dataclass(frozen=True)
class VerifiedCode:
    """A version that staging has signed off; `bundle_sha256` is of the project's files, as they are kept."""

    project: str
    revision: str | None
    run_id: str
    verified_at: str
    bundle_sha256: str

    def __str__(self) -> str:
        return f"{self.project} of {self.revision or 'an unknown revision'}, verified at {self.verified_at}"


def sign_off(artifacts: Place, project_dir: Path, *, revision: str | None, run_id: str, now: datetime) -> VerifiedCode:
    """Returns the marker of this version, which it has from now on. A version that has one keeps it."""
    project = project_hash(project_dir)
    if (marker := verified_version(artifacts, project)) is not None:
        return marker
    bundle = _bundle(project_dir)
    verified = VerifiedCode(
        project, revision, run_id, now.isoformat(timespec="seconds"), hashlib.sha256(bundle).hexdigest()
    )
    artifacts.write(f"{_VERIFIED}/{project}.zip", bundle)
    artifacts.write(f"{_VERIFIED}/{project}.json", json.dumps(asdict(verified), indent=1).encode())
    return verified


def verified_versions(artifacts: Place) -> list[VerifiedCode]:
    """The last one first. A marker whose files have not been replicated yet does not count."""
    names = {Path(path).name for path in artifacts.paths(_VERIFIED)}
    projects = {name.removesuffix(".zip") for name in names if name.endswith(".zip") and f"{name[:-4]}.json" in names}
    found = [marker for project in projects if (marker := verified_version(artifacts, project)) is not None]
    return sorted(found, key=lambda marker: marker.verified_at, reverse=True)


def unpack(artifacts: Place, verified: VerifiedCode, into: Path) -> Path:
    """A folder below `into` that holds exactly the files of that version."""
    folder = into / verified.project
    if folder.is_dir():
        return folder
    content = b"".join(artifacts.read_path(f"{_VERIFIED}/{verified.project}.zip"))
    if hashlib.sha256(content).hexdigest() != verified.bundle_sha256:
        raise PromotionError(f"the kept files of version {verified} are not those that were verified")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as temporary:
        whole = Path(temporary) / verified.project
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            bundle.extractall(whole)
        if (found := project_hash(whole)) != verified.project:
            raise PromotionError(f"version {verified} is {found} here: this is another version of dbt than staging's")
        try:
            whole.rename(folder)  # in one step: half a project would later be taken for a whole one
        except OSError:
            if not folder.is_dir():  # else another run was first, with the same files
                raise
    return folder


def record_override(artifacts: Place, project: str, revision: str | None, *, run_id: str, because: str) -> None:
    """Record that a person let a run use a version that was not verified, and why."""
    override = {"project": project, "revision": revision, "run_id": run_id, "because": because}
    artifacts.write(f"{_OVERRIDES}/{run_id}.json", json.dumps(override, ensure_ascii=False, indent=1).encode())


def verified_version(artifacts: Place, project: str) -> VerifiedCode | None:
    """The marker of this version, if it has one."""
    try:
        return VerifiedCode(**json.loads(b"".join(artifacts.read_path(f"{_VERIFIED}/{project}.json"))))
    except KeyError:
        return None


def _bundle(project_dir: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in project_files(project_dir):
            bundle.writestr(zipfile.ZipInfo(str(path.relative_to(project_dir)), _FIXED_TIME), path.read_bytes())
    return packed.getvalue()
