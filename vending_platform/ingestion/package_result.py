"""What became of a package in a run, for the person who started it."""

from dataclasses import dataclass
from datetime import date

from vending_platform.ledger import PackageState


@dataclass(frozen=True)
class PackageResult:
    """What became of a package in a run. `reason` is why it was not loaded;"""

    package: str
    sender_name: str
    sender: str
    period: str
    business_date: date
    state: PackageState
    revision: int | None
    reason: str | None = None
    sources: tuple[str, ...] = ()
    """Those of which it has files."""
    files: int = 0
    rows: int = 0

    def __str__(self) -> str:
        revision = f", revision {self.revision}" if self.revision is not None else ""
        return f"{self.package} of {self.sender_name} {self.sender} for {self.period}{revision}"
