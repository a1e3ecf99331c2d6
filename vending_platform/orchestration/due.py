"""What should be there by now, by the hours that an environment declares."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vending_platform.environment import BUSINESS_TIME_ZONE, Environment


@dataclass(frozen=True)
class Due:
    """What should be there by now; None where an environment has no hours."""

    delivered: date | None
    """The last business day whose deliveries are due."""
    built: date | None
    """The last business day whose marts are due."""
    begun_at: datetime | None
    """When the transformation began that should have built what is due."""


def due(environment: Environment, now: datetime) -> Due:
    delivered = _last(environment.ingestion_starts, now)
    built = _last(environment.marts_due, now)
    begun = _last(environment.transformation_starts, built) if built is not None else None
    return Due(_day_before(delivered), _day_before(built), begun)


def _last(hour: str | None, now: datetime) -> datetime | None:
    """The last moment at which it was this hour, in UTC."""
    if hour is None:
        return None
    today = datetime.combine(now.astimezone(UTC).date(), time.fromisoformat(hour), UTC)
    return today if today <= now else today - timedelta(days=1)


def _day_before(moment: datetime | None) -> date | None:
    """The business day that was over by then."""
    return moment and moment.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date() - timedelta(days=1)
