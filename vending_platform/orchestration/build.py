"""Where the parts become one set of definitions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, assert_never

import dagster as dg

from vending_platform import aws
from vending_platform.arrivals import Queue, open_queue
from vending_platform.environment import ByFolder, ByListing, ByNotifications, Environment, EnvironmentName
from vending_platform.opening import Platform
from vending_platform.orchestration.alert_sensor import alerting, watch
from vending_platform.orchestration.asset_details import NOT_DESCRIBED, Described, with_automation
from vending_platform.orchestration.dbt_translator import Specs
from vending_platform.orchestration.exports import export_assets
from vending_platform.orchestration.extractions import extraction_assets
from vending_platform.orchestration.io_manager import tables
from vending_platform.orchestration.jobs import jobs
from vending_platform.orchestration.lake import maintenance_asset, maintenance_job
from vending_platform.orchestration.models import model_assets
from vending_platform.orchestration.raw import deliveries_asset, deliveries_check, raw_assets
from vending_platform.orchestration.recording import recorded
from vending_platform.orchestration.resources import PlatformFactory, resources_of
from vending_platform.orchestration.retries import Attempt
from vending_platform.orchestration.schedules import extraction_schedules, schedule
from vending_platform.orchestration.sensors import by_folder, by_listing, by_notifications
from vending_platform.orchestration.steps import DAILY, EXPORT, EXTRACT, INGEST, TRANSFORM

_BY_HAND = "03:00"
"""When the schedule would run that a person switches on where the environment has none of its own."""


def assemble(platform: Platform, overrides: Mapping[str, Any], described: Described = NOT_DESCRIBED) -> dg.Definitions:
    """Everything for one environment; `overrides` replaces resources by name. What is `described` is for people who
    look at it: a run in this process is not shown."""
    environment = platform.environment
    specs = Specs(platform.catalog, platform.manifest, environment, described)
    resources = resources_of(platform, overrides)
    factory = PlatformFactory(platform, frozenset(resources))
    by_name = {job.name: job for job in jobs(specs)}
    is_by_hand = environment.name is EnvironmentName.DEVELOPMENT
    is_scheduled = environment.transformation_starts is not None
    schedules = [schedule(by_name[DAILY], environment.transformation_starts or _BY_HAND, is_running=is_scheduled)]
    if environment.ingestion_starts is not None:
        schedules.append(schedule(by_name[INGEST], environment.ingestion_starts, is_running=True))
    if EXTRACT in by_name:
        schedules += extraction_schedules(by_name[EXTRACT], platform.catalog, environment)
    of_lake = [maintenance_job()] if environment.lake is not None else []
    if environment.lake is not None and environment.lake.maintained is not None:
        schedules.append(schedule(of_lake[0], environment.lake.maintained, is_running=True))
    sensor = _sensor(environment)
    return dg.Definitions(
        assets=[
            deliveries_asset(environment.places.raw),
            *specs.of_others(platform.catalog),
            *with_automation(extraction_assets(platform.catalog, specs), {EXTRACT}, schedules, sensor),
            *with_automation(raw_assets(platform.catalog, specs), {INGEST, DAILY}, schedules, sensor),
            *with_automation(model_assets(platform.catalog, specs), {TRANSFORM, DAILY}, schedules, sensor),
            *with_automation(export_assets(platform.catalog, specs.days), {EXPORT, DAILY}, schedules, sensor),
            *([maintenance_asset(platform.catalog)] if environment.lake is not None else []),
        ],
        asset_checks=[deliveries_check()],
        jobs=[*by_name.values(), *of_lake],
        schedules=schedules,
        sensors=[sensor, watch(is_running=not is_by_hand)],
        resources={
            **resources,
            "platform": recorded(factory),
            "alerting": dg.ResourceDefinition(
                lambda context: alerting(factory.platform(context).environment),
                required_resource_keys=set(factory.keys),
            ),
            "attempt": dg.ResourceDefinition(lambda _: Attempt()),
            "io_manager": tables(),
            **overrides,
        },
        executor=dg.in_process_executor,  # a process per step imports dbt again for every step
    )


def _sensor(environment: Environment) -> dg.SensorDefinition:
    """What notices files, in the way of this environment."""
    is_running = environment.name is not EnvironmentName.DEVELOPMENT
    now = partial(datetime.now, UTC)
    match environment.arrivals:
        case ByFolder():
            return by_folder(is_running=is_running)
        case ByListing():
            return by_listing(is_running=is_running, now=now)
        case ByNotifications():
            return by_notifications(environment, _queue, is_running=is_running, now=now)
        case _:
            assert_never(environment.arrivals)


def _queue(environment: Environment) -> Queue:
    assert environment.aws is not None, "who is notified by AWS is in AWS"
    assert isinstance(environment.arrivals, ByNotifications)
    return open_queue(aws.client(environment.aws, "sqs"), environment.arrivals)
