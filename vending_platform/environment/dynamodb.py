"""What `environments.yml` says about a table of DynamoDB that extractions read."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_Text = Annotated[str, StringConstraints(min_length=1)]


class ItemTableSettings(BaseModel):
    """Where it is, and how it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: _Text
    region: _Text
    endpoint: _Text | None
    """Of an emulator, which is DynamoDB and S3; None for AWS."""
    exports: Annotated[str, StringConstraints(pattern=r"^s3://[^/]+(/.+)?$")] | None
    """Where exports are laid down, as `s3://bucket/prefix`; None if the table is scanned."""
    wait_minutes: Annotated[int, Field(ge=1)]
    """For how long a run waits for an export; the next run goes on waiting."""
    warn_days: Annotated[int, Field(ge=1, le=34)]
    """How long before changes are out of reach a failed extraction says so."""
    scan_units: Annotated[int, Field(ge=1)]
    """Capacity units that a scan may use in a second."""

    def mistakes(self, *, has_aws: bool) -> Iterator[str]:
        if self.endpoint is None and not has_aws:
            yield "is in AWS, so aws can't be null"
