"""A simulated shop, written into an empty database."""

import re
from pathlib import Path
from typing import Any

from shop_simulator.simulation import Shop

SCHEMA = Path(__file__).with_name("schema.sql")
_AT_ONCE = 1_000


def fill(connection: Any, shop: Shop) -> None:
    """Makes the tables and writes every row, in one transaction a table; `connection` is of any DB-API that writes
    placeholders as %s."""
    with connection.cursor() as cursor:
        cursor.execute("set time_zone = '+00:00'")
        for statement in _statements():
            cursor.execute(statement)
        for table, rows in shop.tables().items():
            connection.begin()
            for start in range(0, len(rows), _AT_ONCE):
                part = rows[start : start + _AT_ONCE]
                marks = ", ".join(["%s"] * len(part[0]))
                cursor.executemany(f"insert into {table} values ({marks})", part)
            connection.commit()


def _statements() -> list[str]:
    text = re.sub(r"^--.*$", "", SCHEMA.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [statement for statement in map(str.strip, text.split(";")) if statement]
