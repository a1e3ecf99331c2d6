"""Accounts that are there: whatever the settings name, for `make test-live`.

Nothing of theirs is touched: files live in the folder `live` below the place of work in flight, and tables in a
database that `LIVE_DATABASE` names, whose schemas of ours are dropped before and after.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial

from vending_platform.environment import Environment, Places, SettingsError, load
from vending_platform.storage import Storage, open_storage
from vending_platform.warehouse.snowflake import SnowflakeSettings, connector, private_key_of

DATABASE_VARIABLE = "LIVE_DATABASE"
_SCHEMAS = ("raw", "staging", "intermediate", "marts", "dq")


@dataclass(frozen=True)
class Live:
    settings: Environment
    database: str

    @cached_property
    def environment(self) -> Environment:
        work = f"{self.settings.places.work}/live"
        return replace(
            self.settings,
            places=Places(*(f"{work}/{name}" for name in ("raw-data", "processed-data", "dbt-artifacts", "staging"))),
            warehouse=self.settings.warehouse.model_copy(update={"database": self.database}),
        )

    @property
    def storage(self) -> Storage:
        own = self.environment
        return open_storage(own.places, own.aws, encryption=own.encryption, kms_key=own.kms_key)

    def deliver(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            self.storage.raw.write(name, content)

    def with_empty_database(self) -> Environment:
        """`set_up` has emptied it."""
        return self.environment

    def set_up(self) -> None:
        """Empty."""
        for place in (self.storage.raw, self.storage.processed, self.storage.artifacts, self.storage.work):
            for file in list(place.files()):
                place.delete(file.path)
        settings = self.environment.warehouse
        assert isinstance(settings, SnowflakeSettings)
        with (
            connector(settings, partial(private_key_of, self.environment), {})() as connection,
            connection.cursor() as cursor,
        ):
            for schema in _SCHEMAS:
                cursor.execute(f'drop schema if exists "{schema.upper()}" cascade')


def why_not() -> str | None:
    """Why there is no account to try; None if there is one."""
    advice = f"set {DATABASE_VARIABLE} to a database that is for this, and VENDING_ENV=staging with its settings"
    if DATABASE_VARIABLE not in os.environ:
        return f"no account is given: {advice}"
    try:
        is_snowflake = isinstance(load().warehouse, SnowflakeSettings)
    except SettingsError as error:
        return str(error)
    return None if is_snowflake else f"these settings are of a laptop: {advice}"


@contextmanager
def live_accounts() -> Iterator[Live]:
    live = Live(load(), os.environ[DATABASE_VARIABLE])
    try:
        yield live
    finally:
        live.set_up()
