"""What each environment needs, as a table of checks: as `environment` has one row for each of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from vending_platform import transformation
from vending_platform.accounts import buckets_of, check_snowflake
from vending_platform.doctor import cloud, machine
from vending_platform.doctor.runner import Check, Hidden
from vending_platform.environment import (
    AwsTarget,
    ByNotifications,
    DuckDBTarget,
    Environment,
    SettingsError,
    SnowflakeTarget,
)
from vending_platform.platform import Platform, private_key_of
from vending_platform.storage import ObjectPlace, open_place
from vending_platform.warehouse import Connect, check_setup, check_stage, connector

_SETTINGS, _ACCOUNT, _KEY, _SNOWFLAKE, _SET_UP, _FILE = (
    "settings", "AWS account", "secret of Snowflake", "Snowflake", "Snowflake's set-up", "warehouse file",
)  # fmt: skip

_PATIENCE = 20


def checks_of(load: Callable[[], Environment], now: Callable[[], datetime] | None = None) -> list[Check]:
    """All that the environment needs which `load` gives. Where it can't be told which one that is, that is wrong."""
    try:
        environment = load()
    except SettingsError:
        return [*_always(load), Check("everything else", _nothing, needs=(_SETTINGS,))]
    return [
        *_always(load),
        *_of_aws(environment, now or partial(datetime.now, UTC)),
        *_places(environment),
        *_local(environment),
        *_warehouse(environment),
    ]


def _nothing() -> str:
    raise Hidden("the settings do not say what it is")


def _always(load: Callable[[], Environment]) -> Iterator[Check]:
    yield Check(_SETTINGS, lambda: load().name)
    yield Check("Python", machine.python)
    yield Check("packages", machine.packages)


def _of_aws(environment: Environment, now: Callable[[], datetime]) -> Iterator[Check]:
    target = environment.aws
    if target is None:
        return
    yield Check("clock", partial(cloud.clock, target, now))
    yield Check(_ACCOUNT, partial(cloud.account, environment.name, target))
    for bucket in sorted(buckets_of(environment.places)):
        yield Check(_bucket(bucket), partial(cloud.bucket, environment.name, target, bucket), (_ACCOUNT,))
    yield Check(_KEY, partial(cloud.secret, target, target.secrets.warehouse), (_ACCOUNT,))
    if environment.slack_alerts:
        yield Check("secret of Slack", partial(cloud.webhook, target), (_ACCOUNT,))
    if isinstance(environment.arrivals, ByNotifications):
        yield Check("queue", partial(cloud.queue, target, environment.arrivals), (_ACCOUNT,))
    yield Check("alerts' topic", partial(cloud.topic, target), (_ACCOUNT,))


def _places(environment: Environment) -> Iterator[Check]:
    places = environment.places
    yield _place(environment, "deliveries", places.raw, machine.readable, cloud.readable)
    yield _place(environment, "exports", places.processed, machine.writable, cloud.writable)
    yield _place(environment, "dbt artifacts", places.artifacts, machine.writable, cloud.writable)
    work = _place(environment, "work in flight", places.work, machine.writable, cloud.work)
    yield work
    if environment.aws is not None and work.needs:
        look = partial(_encryption, environment, environment.aws)
        yield Check("encryption", look, (work.name,))


def _place(
    environment: Environment,
    name: str,
    url: str,
    local: Callable[[Path], str],
    in_s3: Callable[[ObjectPlace], str],
) -> Check:
    if not url.startswith("s3://"):
        return Check(name, partial(local, Path(url)))
    return Check(name, lambda: in_s3(_opened(environment, url)), (_bucket(url.split("/")[2]),))


def _opened(environment: Environment, url: str) -> ObjectPlace:
    place = open_place(url, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key)
    assert isinstance(place, ObjectPlace)
    return place


def _encryption(environment: Environment, target: AwsTarget) -> str:
    return cloud.encryption(_opened(environment, environment.places.work), target)


def _local(environment: Environment) -> Iterator[Check]:
    own = (environment.scratch, environment.dagster_home)
    yield Check("scratch folder", partial(machine.writable, environment.scratch))
    yield Check("Dagster's home", partial(machine.writable, environment.dagster_home))
    urls = (environment.places.processed, environment.places.work)
    yield Check("disk", partial(machine.disk, [*own, *(Path(url) for url in urls if "://" not in url)]))


def _warehouse(environment: Environment) -> Iterator[Check]:
    project = Platform(environment, {}).project
    match environment.warehouse:
        case DuckDBTarget(path):
            yield Check(_FILE, partial(machine.duckdb_file, path))
            # dbt would make the file, or wait for who writes there: its profile and its adapter work without one.
            project = replace(project, variables={**project.variables, "DBT_DUCKDB_PATH": ":memory:"})
            ground = _FILE
        case SnowflakeTarget() as target:
            tag = {"purpose": "vending doctor"}
            connect = connector(target, partial(private_key_of, environment), tag, patience=_PATIENCE)
            yield Check(_SNOWFLAKE, partial(_snowflake, connect, environment.name, target), (_KEY,))
            yield Check(_SET_UP, partial(_set_up, connect), (_SNOWFLAKE,))
            yield Check("Snowflake's stage", partial(_stage, connect, environment.places.work), (_SET_UP,))
            ground = _SNOWFLAKE
    # It sets variables of the whole process while it works.
    yield Check("dbt", partial(transformation.check_connection, project), (ground,), alone=True)


def _snowflake(connect: Connect, name: str, target: SnowflakeTarget) -> str:
    with connect() as connection:
        check_snowflake(connection, name, target)
    return f"account {target.account}, role {target.role}, database {target.database}, warehouse {target.warehouse}"


def _set_up(connect: Connect) -> str:
    check_setup(connect)
    return "schemas and tables are there"


def _stage(connect: Connect, work_url: str) -> str:
    check_stage(connect, work_url)
    return f"leads to {work_url}, and Snowflake can look there"


def _bucket(name: str) -> str:
    return f"s3://{name}"
