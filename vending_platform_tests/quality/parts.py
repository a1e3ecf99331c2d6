"""Runs for tests."""

from datetime import UTC, datetime, timedelta

from vending_platform.quality import RunRecord


def run(number: int = 1, status: str = "succeeded", problem: str | None = None) -> RunRecord:
    """The later the greater its number."""
    ended = datetime(2024, 3, 20, tzinfo=UTC) + timedelta(hours=number)
    return RunRecord(f"r{number}", "daily", "development", None, status, problem, ended, ended, 1, 1, 1)
