"""Snowflake accounts for tests: each has the emulated server, a database of its own, and a prefix in the bucket."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import snowflake.connector
from snowflake.connector import SnowflakeConnection

from vending_platform.environment import Places
from vending_platform.storage import Place, open_storage
from vending_platform.warehouse.snowflake import SnowflakeSettings, SnowflakeWarehouse
from vending_platform_tests.emulators.aws import BUCKET, EmulatedAws
from vending_platform_tests.emulators.snowflake import Emulator


@dataclass(frozen=True)
class Account:
    emulator: Emulator
    aws: EmulatedAws
    database: str

    @property
    def settings(self) -> SnowflakeSettings:
        return SnowflakeSettings(
            account="emulator",
            user="VENDING_PLATFORM_STG",
            role="VENDING_PLATFORM_STG",
            database=self.database,
            warehouse="COMPUTE_WH_STG",
        )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.emulator.port}"

    @property
    def work_url(self) -> str:
        return f"s3://{BUCKET}/{self.database}/staging"

    @property
    def work(self) -> Place:
        staging, places = self.aws.environment(), Places(*[self.work_url] * 4)
        return open_storage(places, staging.aws, encryption=staging.encryption).work

    def connect(self, **others: str) -> SnowflakeConnection:
        """With a password: checking a key takes longer than most tests, and some connect with one all the same."""
        address = self.emulator.connection_arguments | {"platform_detection_timeout_seconds": 0}
        return snowflake.connector.connect(user="tester", password="none", database=self.database, **address, **others)

    def warehouse(self, lease: float = 60, orphaned_after: timedelta = timedelta(days=1)) -> SnowflakeWarehouse:
        return SnowflakeWarehouse(
            self.connect,
            self.work,
            self.work_url,
            lease=timedelta(seconds=lease),
            orphaned_after=orphaned_after,
        )


def new_account(emulator: Emulator, aws: EmulatedAws) -> Account:
    account = Account(emulator, aws, f"T{uuid4().hex[:12].upper()}")
    emulator.databases.add(account.database)
    return account
