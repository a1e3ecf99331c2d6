"""What a type of warehouse is to the rest of the platform: its settings, how it is opened, dbt, checks, names.

Each type is a package of this one that exports `KIND`. Nothing outside asks which type it has: what differs is here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, cast

from vending_platform.environment import Environment, WarehouseSettings, warehouse_kind, warehouse_types
from vending_platform.health import HealthCheck
from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.interface import Warehouse


def _nothing() -> None:
    """For an adapter that leaves nothing open."""


def _type_alone(settings: WarehouseSettings) -> str:
    """For a type that the rules have no name for."""
    return f"{settings.type}://"


@dataclass(frozen=True)
class DbtConnection:
    """How dbt reaches the warehouse: what the domain's `profiles.yml` reads by `env_var`, and what dbt leaves open."""

    database: str
    """The name that dbt gives its database: part of every table's name."""
    variables: Mapping[str, str] = field(default_factory=dict)
    variables_of_a_command: Callable[[], Mapping[str, str]] = dict
    """Fetched when a command begins and gone when it ends; some of them are secret."""
    close: Callable[[], None] = _nothing
    """Called when a command has ended."""
    trial_variables: Mapping[str, str] = field(default_factory=dict)
    """Set in the place of others where only the profile and the adapter are tried, and nothing may be written."""


class OpenWarehouse(Protocol):
    def __call__(self, environment: Environment, batches: Batches, tag: Mapping[str, str]) -> Warehouse:
        """`batches` is the place of work in flight, which the warehouse can read; every query carries `tag`."""


class ListHealthChecks(Protocol):
    def __call__(self, environment: Environment, needs: tuple[str, ...]) -> Sequence[HealthCheck]:
        """The checks of `vending doctor`; the first of them needs those called `needs`, and dbt's check needs it."""


@dataclass(frozen=True)
class WarehouseKind:
    name: str
    """As `environments.yml`, dbt, sqlglot and Dagster (as an asset's kind and storage kind) call it: they agree."""
    title: str
    """As people write it."""
    settings: type[WarehouseSettings]
    open: OpenWarehouse
    dbt: Callable[[Environment, Mapping[str, str]], DbtConnection]
    """For the queries of a run, which carry the tag."""
    database: Callable[[WarehouseSettings], str]
    health_checks: ListHealthChecks
    namespace: Callable[[WarehouseSettings], str] = _type_alone
    """Where its tables are, by OpenLineage's rules for the names of datasets."""
    shown_name: Callable[[str], str] = str
    """A table's name as the warehouse itself shows it."""
    libraries: Sequence[str] = ()
    """The packages whose versions matter to someone who looks for a mistake."""
    noisy_loggers: Sequence[str] = ()
    """Loggers that write a line for every connection; below a warning they are left out."""


class DagsterResource(Protocol):
    """The module `dagster_resource` of a warehouse's package: the only one there that knows Dagster."""

    def resource_of(self, environment: Environment) -> Any:
        """The warehouse as a Dagster resource, whose settings the UI shows. It holds no secret, and connects
        nowhere."""

    def through(self, environment: Environment, resource: Any) -> Environment:
        """The environment with the settings of this resource and with its connections. `ConfigurationError` if it is
        not a resource of this type, or leaves out what the platform has to know."""


def kind_of(settings: WarehouseSettings) -> WarehouseKind:
    return cast(WarehouseKind, warehouse_kind(settings.type))


def noisy_loggers() -> tuple[str, ...]:
    """Of all types: a handler of logs does not know which environment a record comes from."""
    kinds = [cast(WarehouseKind, warehouse_kind(type_)) for type_ in warehouse_types()]
    return tuple(name for kind in kinds for name in kind.noisy_loggers)


def dagster_resource_of(settings: WarehouseSettings) -> DagsterResource:
    """Loaded when it is called for: it takes a second of imports, and a command of the terminal needs none of them."""
    return cast(DagsterResource, import_module(f"{__package__}.{settings.type}.dagster_resource"))
