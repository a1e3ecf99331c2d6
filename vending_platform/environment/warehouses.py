"""Which types of warehouse there are, and the settings that each of them declares.

A type is a package, `vending_platform/warehouse/<type>/`, found by its name when `environments.yml` is read. This
module is the only place that knows so: the environment is below the warehouses, and imports none of them.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializeAsAny
from pydantic_core import PydanticCustomError

PACKAGE = "vending_platform.warehouse"
UNKNOWN_TYPE = "unknown_warehouse_type"


class WarehouseSettings(BaseModel):
    """What `environments.yml` declares under `warehouse`. Each type has a subclass with values of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_local: ClassVar[bool] = False
    """Whether it is on this machine: a laptop's, where deliveries may be made up and a UI needs no login."""
    has_secret: ClassVar[bool] = False
    """Whether it is opened with a secret of AWS Secrets Manager, which `aws.secrets.warehouse` names."""

    type: str


def warehouse_types() -> list[str]:
    return sorted(found.name for found in iter_modules(import_module(PACKAGE).__path__) if found.ispkg)


def warehouse_kind(type_: str) -> Any:
    """The `WarehouseKind` of this type, as its package exports it. `warehouse.kind_of` is the typed way to it."""
    return import_module(f"{PACKAGE}.{type_}").KIND


class _Typed(BaseModel):
    type: str


def _settings_of_its_type(declared: Any) -> Any:
    if isinstance(declared, WarehouseSettings):
        return declared
    type_ = _Typed.model_validate(declared).type
    if type_ not in (known := warehouse_types()):
        raise PydanticCustomError(UNKNOWN_TYPE, "no such type", {"type": type_, "known": ", ".join(known)})
    settings: type[WarehouseSettings] = warehouse_kind(type_).settings
    # Its mistakes are reported among those of the whole file: pydantic merges the errors of a nested validation.
    return settings.model_validate(declared)


DeclaredWarehouse = Annotated[SerializeAsAny[WarehouseSettings], BeforeValidator(_settings_of_its_type)]
