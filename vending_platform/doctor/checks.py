"""What each environment needs, as a list of checks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from vending_platform import transformation
from vending_platform.accounts import buckets_of
from vending_platform.doctor import cloud, machine
from vending_platform.environment import AwsTarget, ByNotifications, Environment, SettingsError
from vending_platform.health import CheckSkipped, HealthCheck, check_readable, check_writable
from vending_platform.opening import Platform
from vending_platform.storage import ObjectPlace, open_place
from vending_platform.warehouse import kind_of

_SETTINGS, _ACCOUNT = "settings", "AWS account"


def checks_of(load: Callable[[], Environment], now: Callable[[], datetime] | None = None) -> list[HealthCheck]:
    """All that the environment which `load` gives needs. That it can't be loaded is a result too."""
    try:
        environment = load()
    except SettingsError:
        return [*_always(load, []), HealthCheck("everything else", _unknown, needs=(_SETTINGS,))]
    return [
        *_always(load, kind_of(environment.warehouse).libraries),
        *_of_aws(environment, now or partial(datetime.now, UTC)),
        *_places(environment),
        *_local(environment),
        *_warehouse(environment),
    ]


def _unknown() -> str:
    raise CheckSkipped("the settings do not say what it is")


def _always(load: Callable[[], Environment], libraries: Sequence[str]) -> Iterator[HealthCheck]:
    yield HealthCheck(_SETTINGS, lambda: load().name)
    yield HealthCheck("Python", machine.python)
    yield HealthCheck("packages", partial(machine.packages, shown=libraries))


def _of_aws(environment: Environment, now: Callable[[], datetime]) -> Iterator[HealthCheck]:
    target = environment.aws
    if target is None:
        return
    yield HealthCheck("clock", partial(cloud.clock, target, now))
    yield HealthCheck(_ACCOUNT, partial(cloud.account, environment.name, target))
    for bucket in sorted(buckets_of(environment.places)):
        yield HealthCheck(_bucket(bucket), partial(cloud.bucket, environment.name, target, bucket), (_ACCOUNT,))
    for name in _warehouse_secret(environment):
        yield HealthCheck(name, partial(cloud.secret, target, target.secrets.warehouse), (_ACCOUNT,))
    if environment.slack_alerts:
        yield HealthCheck("secret of Slack", partial(cloud.webhook, target), (_ACCOUNT,))
    if isinstance(environment.arrivals, ByNotifications):
        yield HealthCheck("queue", partial(cloud.queue, target, environment.arrivals), (_ACCOUNT,))
    yield HealthCheck("alerts' topic", partial(cloud.topic, target), (_ACCOUNT,))


def _warehouse_secret(environment: Environment) -> tuple[str, ...]:
    """The name of the check of the warehouse's secret, if it has one."""
    return (f"secret of {kind_of(environment.warehouse).title}",) if environment.warehouse.has_secret else ()


def _places(environment: Environment) -> Iterator[HealthCheck]:
    places = environment.places
    yield _place(environment, "deliveries", places.raw, check_readable, cloud.readable)
    yield _place(environment, "exports", places.processed, check_writable, cloud.writable)
    yield _place(environment, "dbt artifacts", places.artifacts, check_writable, cloud.writable)
    work = _place(environment, "work in flight", places.work, check_writable, cloud.work)
    yield work
    if environment.aws is not None and work.needs:
        run = partial(_encryption, environment, environment.aws)
        yield HealthCheck("encryption", run, (work.name,))


def _place(
    environment: Environment,
    name: str,
    url: str,
    local: Callable[[Path], str],
    in_s3: Callable[[ObjectPlace], str],
) -> HealthCheck:
    if not url.startswith("s3://"):
        return HealthCheck(name, partial(local, Path(url)))
    return HealthCheck(name, lambda: in_s3(_opened(environment, url)), (_bucket(url.split("/")[2]),))


def _opened(environment: Environment, url: str) -> ObjectPlace:
    place = open_place(url, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key)
    assert isinstance(place, ObjectPlace)
    return place


def _encryption(environment: Environment, target: AwsTarget) -> str:
    return cloud.encryption(_opened(environment, environment.places.work), target)


def _local(environment: Environment) -> Iterator[HealthCheck]:
    own = (environment.scratch, environment.dagster_home)
    yield HealthCheck("scratch folder", partial(check_writable, environment.scratch))
    yield HealthCheck("Dagster's home", partial(check_writable, environment.dagster_home))
    urls = (environment.places.processed, environment.places.work)
    yield HealthCheck("disk", partial(machine.disk, [*own, *(Path(url) for url in urls if "://" not in url)]))


def _warehouse(environment: Environment) -> Iterator[HealthCheck]:
    checks = kind_of(environment.warehouse).health_checks(environment, _warehouse_secret(environment))
    yield from checks
    project = Platform(environment, {}).project
    connection = project.connection
    variables = {**connection.variables, **connection.trial_variables}
    project = replace(project, connection=replace(connection, variables=variables))
    # It sets variables of the whole process while it works.
    yield HealthCheck("dbt", partial(transformation.check_connection, project), (checks[0].name,), alone=True)


def _bucket(name: str) -> str:
    return f"s3://{name}"
