"""Libraries that only some installations have: imported when used, and named in one sentence where they are missing."""

from importlib import import_module
from types import ModuleType

from vending_platform.errors import ConfigurationError


class NotInstalled(ConfigurationError):
    """The message says which extra has it."""


def require(module: str, extra: str) -> ModuleType:
    """The module, which the extra of this name installs."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise NotInstalled(
            f"{module.partition('.')[0]} is not installed: pip install 'vending-platform[{extra}]' installs it"
        ) from None


def require_hamilton() -> None:
    """Hamilton, before anything of it is imported: it is not to import every library just
    because it is installed (that takes a second)."""
    require("hamilton.registry", "analysis").disable_autoload()
