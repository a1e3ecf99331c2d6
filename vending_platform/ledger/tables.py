"""All tables of the ledger, and the columns that each has."""

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from vending_platform.ledger.builds import BUILDS, BUILDS_SCHEMA, CODES, CODES_SCHEMA
from vending_platform.ledger.carried_keys import CARRIED_KEYS, CARRIED_KEYS_SCHEMA
from vending_platform.ledger.duplicates import (
    DUPLICATES,
    DUPLICATES_SCHEMA,
    DUPLICATES_SEEN,
    DUPLICATES_SEEN_SCHEMA,
    DUPLICATES_SHARED,
    DUPLICATES_SHARED_SCHEMA,
)
from vending_platform.ledger.files import FILES, FILES_SCHEMA
from vending_platform.ledger.master_versions import MASTER_VERSIONS, MASTER_VERSIONS_SCHEMA
from vending_platform.ledger.packages import PACKAGES, PACKAGES_SCHEMA
from vending_platform.ledger.rejected_rows import REJECTED_ROWS, REJECTED_ROWS_SCHEMA
from vending_platform.ledger.row_days import ROW_DAYS, ROW_DAYS_SCHEMA
from vending_platform.ledger.undeclared import UNDECLARED, UNDECLARED_SCHEMA
from vending_platform.ledger.unreadable import UNREADABLE, UNREADABLE_SCHEMA
from vending_platform.ledger.unrecorded import UNRECORDED, UNRECORDED_SCHEMA
from vending_platform.warehouse import TableName

OF_DELIVERIES: Mapping[TableName, pa.Schema] = MappingProxyType(
    {
        FILES: FILES_SCHEMA,
        REJECTED_ROWS: REJECTED_ROWS_SCHEMA,
        PACKAGES: PACKAGES_SCHEMA,
        UNDECLARED: UNDECLARED_SCHEMA,
        UNREADABLE: UNREADABLE_SCHEMA,
        MASTER_VERSIONS: MASTER_VERSIONS_SCHEMA,
        DUPLICATES: DUPLICATES_SCHEMA,
        UNRECORDED: UNRECORDED_SCHEMA,
    }
)
"""What ingestion has to find; `DUPLICATES`, so that dbt finds it whatever starts dbt."""
OF_BUILDS: Mapping[TableName, pa.Schema] = MappingProxyType(
    {
        BUILDS: BUILDS_SCHEMA,
        CODES: CODES_SCHEMA,
        ROW_DAYS: ROW_DAYS_SCHEMA,
        DUPLICATES: DUPLICATES_SCHEMA,
        DUPLICATES_SEEN: DUPLICATES_SEEN_SCHEMA,
        DUPLICATES_SHARED: DUPLICATES_SHARED_SCHEMA,
        CARRIED_KEYS: CARRIED_KEYS_SCHEMA,
        UNRECORDED: UNRECORDED_SCHEMA,
    }
)
"""What transformation has to find."""
OF_FINDINGS: Mapping[TableName, pa.Schema] = MappingProxyType({UNRECORDED: UNRECORDED_SCHEMA})
"""What the history of quality has to find, and an export, which only leaves what it found."""
TABLES: Mapping[TableName, pa.Schema] = MappingProxyType({**OF_DELIVERIES, **OF_BUILDS})
