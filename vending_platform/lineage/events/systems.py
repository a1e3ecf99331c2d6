"""What extractions read, as datasets: tables of databases and of DynamoDB, lists of web APIs."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from vending_platform.catalog import ExtractApi, ExtractItems, ExtractTable, Source
from vending_platform.environment import Environment
from vending_platform.lineage.events.datasets import DatasetName, data_source, file_fields
from vending_platform.lineage.events.facets import Facets, facets
from vending_platform.lineage.events.runs import Dataset

_ADDED = ("deleted", "rest", "add")
"""The keys of a contract that name columns which the extraction makes."""
_PORTS = {"mysql": 3306, "postgres": 5432}


def extracted_from(environment: Environment, source: Source, input_facets: Facets) -> Dataset | None:
    """None where the environment does not declare the system."""
    if (name := system_name(environment, source)) is None:
        return None
    kind = "TABLE" if name.namespace.partition(":")[0] in (*_PORTS, "dynamodb") else "SERVICE"
    fields = [field for field in file_fields(source) if field["name"] in set(own_columns(source))]
    return {
        **name._asdict(),
        "facets": facets(
            schema={"fields": [{key: value for key, value in one.items() if key != "type"} for one in fields]},
            datasetType={"datasetType": kind},
            dataSource=data_source(name.namespace),
        ),
        "inputFacets": dict(input_facets),
    }


def system_name(environment: Environment, source: Source) -> DatasetName | None:
    """By the specification's rules, which have none for DynamoDB and for web APIs: there the address is the namespace.
    Never with a user, a password or a parameter."""
    match source.extract:
        case ExtractTable() as extract if (database := environment.databases.get(extract.database)) is not None:
            address = urlsplit(database.url)
            port = address.port or _PORTS[address.scheme]
            schema = address.path.strip("/")
            return DatasetName(f"{address.scheme}://{_host(address.hostname)}:{port}", f"{schema}.{extract.table}")
        case ExtractItems() as extract if (items := environment.dynamodb.get(extract.dynamodb)) is not None:
            host = urlsplit(items.endpoint).netloc if items.endpoint else f"dynamodb.{items.region}.amazonaws.com"
            return DatasetName(f"dynamodb://{host.rpartition('@')[2]}", items.table)
        case ExtractApi() as extract if (api := environment.apis.get(extract.api)) is not None:
            address = urlsplit(api.url)
            port_text = f":{address.port}" if address.port else ""
            path = "/".join(part.strip("/") for part in (address.path, urlsplit(extract.path).path) if part.strip("/"))
            return DatasetName(f"{address.scheme}://{_host(address.hostname)}{port_text}", path or "/")
        case _:
            return None


def own_columns(source: Source) -> Iterator[str]:
    """The columns that the system itself has, under the names that files have."""
    assert source.extract is not None, "only sources that are extracted come here"
    added = {name for key, name, _ in source.extract.columns_named() if key in _ADDED}
    return (column.text_in_header for column in source.columns if column.name not in added)


def _host(name: str | None) -> str:
    return f"[{name}]" if name is not None and ":" in name else str(name)
