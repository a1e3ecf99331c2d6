"""Whether Redshift lets this role in, to what the settings name, and whether an administrator has set it up."""

from functools import partial

from vending_platform.environment import Environment
from vending_platform.health import HealthCheck
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.settings import settings_in, target_of
from vending_platform.warehouse.redshift.setup import check_setup


def health_checks(environment: Environment, needs: tuple[str, ...]) -> list[HealthCheck]:
    settings = settings_in(environment)
    api = DataApi(target_of(environment), settings, {"purpose": "vending doctor"})
    return [
        HealthCheck("Redshift", partial(_answers, api), needs),
        HealthCheck("Redshift's set-up", partial(_setup, api), ("Redshift",)),
    ]


def _answers(api: DataApi) -> str:
    (found,) = api.query("select current_database() as name").to_pylist()
    return f"workgroup {api.settings.workgroup}, database {found['name']}"


def _setup(api: DataApi) -> str:
    check_setup(api)
    return "the platform's own tables are there"
