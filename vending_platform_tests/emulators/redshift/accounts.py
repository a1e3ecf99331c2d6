"""Places in the emulated Redshift for tests: each has a database of its own, and a prefix in the bucket."""

from dataclasses import dataclass
from datetime import timedelta

from vending_platform.environment import AwsTarget, Places
from vending_platform.storage import Place, open_storage
from vending_platform.warehouse.redshift import DataApi, Exchange, RedshiftSettings, RedshiftWarehouse
from vending_platform_tests.emulators.aws import BUCKET, EmulatedAws
from vending_platform_tests.emulators.redshift.emulator import WORKGROUP, RedshiftEmulator


@dataclass(frozen=True)
class RedshiftDatabase:
    emulator: RedshiftEmulator
    aws: EmulatedAws
    name: str

    @property
    def settings(self) -> RedshiftSettings:
        return RedshiftSettings(workgroup=WORKGROUP, database=self.name, copy_role="default")

    @property
    def target(self) -> AwsTarget:
        target = self.aws.environment().aws
        assert target is not None
        return target

    @property
    def work_url(self) -> str:
        return f"s3://{BUCKET}/{self.name}/staging"

    @property
    def work(self) -> Place:
        staging, places = self.aws.environment(), Places(*[self.work_url] * 4)
        return open_storage(places, staging.aws, encryption=staging.encryption).work

    @property
    def api(self) -> DataApi:
        return DataApi(self.target, self.settings)

    def warehouse(self, lease: float = 60, orphaned_after: timedelta = timedelta(days=1)) -> RedshiftWarehouse:
        return RedshiftWarehouse(
            self.api,
            Exchange(self.work, self.work_url, self.settings.copy_role),
            lease=timedelta(seconds=lease),
            orphaned_after=orphaned_after,
        )

    def behind(self, sql: str) -> list[tuple[object, ...]]:
        return self.emulator.behind(self.name, sql)


def new_database(emulator: RedshiftEmulator, aws: EmulatedAws) -> RedshiftDatabase:
    return RedshiftDatabase(emulator, aws, emulator.new_database())
