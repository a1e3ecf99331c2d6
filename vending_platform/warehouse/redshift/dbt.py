"""dbt's connection to Redshift: over TCP, with credentials that IAM gives for an hour."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vending_platform import aws
from vending_platform.environment import AwsTarget
from vending_platform.errors import ConfigurationError
from vending_platform.warehouse.kind import DbtConnection
from vending_platform.warehouse.redshift.failures import refused
from vending_platform.warehouse.redshift.settings import RedshiftSettings

if TYPE_CHECKING:
    from mypy_boto3_redshift_serverless import RedshiftServerlessClient

_LONGEST_GROUP = 320
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"
"""boto3's own, by which the connector of dbt finds an emulator in the place of AWS."""


def dbt_connection(settings: RedshiftSettings, target: AwsTarget, tag: Mapping[str, str]) -> DbtConnection:
    """Every query is in a query group that is named by `tag`."""

    def variables() -> Mapping[str, str]:
        if find_spec("redshift_connector") is None:
            raise ConfigurationError(
                "dbt-redshift is not installed, by which dbt builds models there:"
                " pip install 'vending-platform[redshift]'"
            )
        host, port = address_of(settings, target)
        declared = {
            "DBT_REDSHIFT_HOST": host,
            "DBT_REDSHIFT_PORT": str(port),
            "DBT_REDSHIFT_DATABASE": settings.database,
            "DBT_REDSHIFT_WORKGROUP": settings.workgroup,
            "DBT_REDSHIFT_ACCOUNT": target.account,
            "DBT_REDSHIFT_REGION": target.region,
            "DBT_REDSHIFT_QUERY_GROUP": " ".join(f"{key}={tag[key]}" for key in sorted(tag))[:_LONGEST_GROUP],
        }
        return declared | ({ENDPOINT_VARIABLE: target.endpoint} if target.endpoint else {})

    return DbtConnection(database=settings.database, variables_of_a_command=variables)


def address_of(settings: RedshiftSettings, target: AwsTarget) -> tuple[str, int]:
    """Where the workgroup listens, as AWS knows it: this starts nothing in it."""
    client: RedshiftServerlessClient = aws.client(target, "redshift-serverless")
    try:
        found = client.get_workgroup(workgroupName=settings.workgroup)
    except aws.AWS_ERRORS as error:
        raise refused(error, target, settings) from error
    endpoint = found["workgroup"]["endpoint"]
    return endpoint["address"], endpoint["port"]
