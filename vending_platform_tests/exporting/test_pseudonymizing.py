"""Keyed pseudonyms of exports: the same everywhere, in an order that tells nothing, and none without a key."""

import pyarrow as pa
import pytest
from pydantic import SecretStr

from vending_platform.catalog import Export, Format
from vending_platform.exporting.contents import ExportRows
from vending_platform.exporting.pseudonymizing import NoKey, no_key, pseudonymized
from vending_platform.ledger import ModelBuild
from vending_platform.pseudonyms import Pseudonyms

EXPORT = Export(name="x", model="x", schema_name="marts", format=Format.PARQUET, file_stem="x", pseudonyms=("who",))
KEY = Pseudonyms(SecretStr("k" * 40))


def rows(*names: str | None) -> pa.Table:
    return pa.table({"who": pa.array(names, pa.string()), "n": list(range(len(names)))})


def of(table: pa.Table) -> list[tuple[str | None, int]]:
    content = ExportRows(ModelBuild(None, "v", True, "now"), table, [], {})
    ((made,),) = pseudonymized(EXPORT, [(content,)], KEY)
    return [(row["who"], row["n"]) for row in made.rows.to_pylist()]


def test_the_same_value_has_the_same_pseudonym_and_its_own_order() -> None:
    found = of(rows("0000000001", "0000000002", "0000000001", None, " "))
    assert {number: name for name, number in found} == {
        0: KEY.of("0000000001"),
        1: KEY.of("0000000002"),
        2: KEY.of("0000000001"),
        3: None,
        4: None,
    }
    names = [name for name, _ in found if name is not None]
    assert names == sorted(names)


def test_without_a_key_there_is_a_sentence() -> None:
    with pytest.raises(NoKey, match="there is no key for them here"):
        no_key()
