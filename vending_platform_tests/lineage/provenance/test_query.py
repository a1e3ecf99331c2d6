"""Which columns a person may name in short: the contracts and the models declare them, and the platform knows none."""

from dataclasses import replace

import pyarrow as pa
import pytest

from vending_platform.catalog import SAME_DAY, Catalog, Model, Provenance, catalog_of
from vending_platform.lineage.provenance.query import WrongQuestion, column_named, short_names
from vending_platform_tests.catalog.test_contract import MACHINES, SALES, but, manifest_of

ORDERS = but(SALES, {"columns.payment_id": {"data_type": "text", "references": "payments"}})
MODEL = Model(
    *("mart", "marts", "model.p.mart", "table", SAME_DAY, frozenset({"sales"})),
    provenance=Provenance(same=(("shelf_no", "shelf_no"),)),
)


@pytest.fixture
def catalog() -> Catalog:
    payments = but(MACHINES, {"files.names": ["payments.csv"]})
    return replace(catalog_of(manifest_of(sales=ORDERS, machines=MACHINES, payments=payments)), models=(MODEL,))


def test_a_sender_a_key_a_reference_and_what_a_model_declares_are_named_in_short(catalog: Catalog) -> None:
    assert short_names(catalog) == {
        "day": ["business_date"],
        "machine": ["machine_id"],
        "payment": ["payment_id"],
        "sale": ["sale_id"],
        "shelf": ["shelf_no"],
    }


def test_a_column_of_that_name_comes_first_and_two_are_refused() -> None:
    schema = pa.schema(
        [("shelf", pa.string()), ("shelf_id", pa.string()), ("bin_id", pa.string()), ("bin_no", pa.string())]
    )
    short = {"shelf": ["shelf_id"], "bin": ["bin_id", "bin_no"], "day": ["business_date"]}
    assert column_named(schema, MODEL, short, "shelf") == "shelf"
    with pytest.raises(WrongQuestion, match=r"^bin is short for bin_id and for bin_no in mart; write which one$"):
        column_named(schema, MODEL, short, "bin")
    with pytest.raises(WrongQuestion, match="mart has no column 'day'"):
        column_named(schema, MODEL, short, "day")
