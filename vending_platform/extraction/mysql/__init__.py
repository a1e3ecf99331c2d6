"""MySQL and MariaDB as something to extract from: one snapshot, streamed in bounded memory, exact for every type.

`system` signs in as the environment declares. A session decodes the server's answers itself (`decoding`); what a
column is written as is decided in `columns`.
"""

from vending_platform.environment import AwsTarget, DatabaseSettings
from vending_platform.extraction.mysql.connection import session, target_of
from vending_platform.extraction.mysql.proposing import proposal
from vending_platform.extraction.mysql.snapshot import MySql

__all__ = ["MySql", "proposed", "system"]


def system(name: str, settings: DatabaseSettings, aws: AwsTarget | None) -> MySql:
    """The database that environments.yml calls `name`; nothing is opened before it is used."""
    return MySql(lambda: session(target_of(name, settings, aws), settings))


def proposed(name: str, settings: DatabaseSettings, aws: AwsTarget | None) -> str:
    """First contracts for its tables, as YAML."""
    with session(target_of(name, settings, aws), settings) as opened:
        return proposal(opened, name)
