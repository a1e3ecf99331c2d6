"""`vending` as a person or a script meets it, in this process; and deliveries for it to load."""

import json
import re
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from vending_platform.cli import app
from vending_platform_tests.ingestion.raw_folder import machines_file, sales, sales_file, sales_row

DONE, FAILED, WRONG_USAGE, NEEDS_A_PERSON = 0, 1, 2, 3
PRODUCTS = (
    "product_id,jan_code,product_name,category_id,unit_cost,list_price,temperature,shelf_life_days,sold_from,sold_to\n"
    "P0001,4900000000001,緑茶,C1,60,130,cold,270,2024-01-01,\n"
).encode()
TIDY = {
    "vending_machines.csv": machines_file(("VM001", "2024-01-01", "")),
    "products.csv": PRODUCTS,
    "sales_VM001_20240305.csv": sales_file("VM001", "2024-03-05", rows=5),
    "sales_VM001_20240306.csv": sales_file("VM001", "2024-03-06", rows=4),
}
ONE_BAD_ROW = sales(
    sales_row(1),
    sales_row(2, quantity="many"),
    sales_row(3, status="lost", unit_price=-1),
    *map(sales_row, (4, 5, 6, 7)),
)


def deliver(data: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (data / "sources" / name).write_bytes(content)


def vending(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def told(result: Result) -> str:
    """All that was printed, without the frames around it."""
    return re.sub(r"[\s│╭╮╰╯─]+", " ", result.output)


def status() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(vending("status", "--json").stdout)
    return answer
