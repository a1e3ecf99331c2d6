"""Staging on this machine: an emulated AWS and an emulated Snowflake, with all in them that staging expects to find.

`make demo-cloud` delivers the sample to it and runs staging's own definitions there: `python -m` this module.
"""

import logging
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import typer

from vending_platform.environment import PROJECT_DIR, Environment
from vending_platform_tests.emulators.aws import BUCKET, EmulatedAws, emulated_aws
from vending_platform_tests.emulators.aws_setup import furnish
from vending_platform_tests.emulators.snowflake import Emulator, snowflake_emulator

_FOLDERS = {"sales_": "sales/2024/03", "replenishment_records_": "replenishment"}
_NEEDS_A_PERSON = 3


@dataclass(frozen=True)
class Cloud:
    aws: EmulatedAws
    snowflake: Emulator

    @property
    def variables(self) -> dict[str, str]:
        """The settings of staging on this machine."""
        return self.aws.variables() | self._where

    @property
    def environment(self) -> Environment:
        return self.aws.environment(**self._where)

    @property
    def _where(self) -> dict[str, Any]:
        endpoint = f"http://127.0.0.1:{self.snowflake.port}"
        return {"VENDING_SNOWFLAKE_ACCOUNT": "emulator", "VENDING_WAREHOUSE_ENDPOINT": endpoint}

    def with_empty_database(self) -> Environment:
        """As nothing can be dropped here that another test may still read."""
        settings, database = self.environment, f"T{uuid4().hex[:12].upper()}"
        self.snowflake.databases.add(database)
        return replace(settings, warehouse=settings.warehouse.model_copy(update={"database": database}))

    def set_up(self) -> None:
        """Empty, but for what docs/deployment.md has an administrator make in AWS."""
        self.aws.reset()
        furnish(self.aws, self.environment)

    def deliver(self, files: Mapping[str, bytes]) -> None:
        """Into the folders that staging's bucket has."""
        for name, content in files.items():
            folder = next((into for start, into in _FOLDERS.items() if name.startswith(start)), "master-data")
            path = name if "/" in name else f"{folder}/{name}"
            self.aws.client("s3").put_object(Bucket=BUCKET, Key=f"raw-data/{path}", Body=content)

    def everything(self) -> dict[str, bytes]:
        """All that is in the bucket."""
        s3 = self.aws.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


@contextmanager
def emulated_cloud() -> Iterator[Cloud]:
    with emulated_aws() as aws, snowflake_emulator(aws.client("s3")) as snowflake:
        cloud = Cloud(aws, snowflake)
        cloud.set_up()
        yield cloud


def sample() -> dict[str, bytes]:
    folder = PROJECT_DIR / "data" / "sources"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def demo(arguments: list[str]) -> int:
    """The sample through staging: `vending run`, or another command, with staging's variables."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # by which the emulator reads statements
    warnings.simplefilter("ignore")
    with emulated_cloud() as cloud, tempfile.TemporaryDirectory() as folder:
        files = sample()
        cloud.deliver(files)
        typer.echo(
            f"In s3://{BUCKET}/raw-data are {len(files)} deliveries. AWS and Snowflake are emulated, on this machine."
        )
        variables = os.environ | cloud.variables
        vending = Path(sys.executable).with_name("vending")
        done = 0
        for command in (["run"], ["status"], ["run"]) if not arguments else [arguments]:
            typer.echo(f"\n$ VENDING_ENV=staging vending {' '.join(command)}")
            code = subprocess.run([vending, *command], cwd=folder, env=variables, check=False).returncode
            done = done or (0 if code == _NEEDS_A_PERSON else code)
    return done


if __name__ == "__main__":
    sys.exit(demo(sys.argv[1:]))
