"""What a model can say of the rows that one of its rows rests on."""

from typing import Any

import pytest

from vending_platform.catalog.provenance import Provenance, read_provenance

COLUMNS = ("machine_id", "route_id", "record_id", "days_since_last")
INPUTS = ("fct_sales", "int_routes", "int_duplicates")


def test_what_is_said_is_read() -> None:
    found = read_provenance(
        {
            "same": ["machine_id", {"record_id": "replenishment_id"}],
            "inputs": {"fct_sales": [], "int_routes": {"peers": ["route_id"]}, "int_duplicates": "nothing"},
            "peers": ["route_id"],
            "since": "days_since_last",
            "besides": "the weather",
        },
        COLUMNS,
        INPUTS,
    )
    assert found.same == (("machine_id", "machine_id"), ("record_id", "replenishment_id"))
    assert found.of_input("another") == found.same
    assert found.of_input("fct_sales") == ()
    assert found.of_input("int_routes") == (("route_id", "route_id"),)
    assert found.of_input("int_duplicates") is None
    assert found.of_peers == {"int_routes"}
    assert (found.peers, found.since, found.besides) == (("route_id",), "days_since_last", "the weather")
    assert read_provenance({"peers": []}, COLUMNS, INPUTS) == Provenance(peers=())


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("machine_id", "provenance 'machine_id' is not a mapping; allowed: same, inputs, peers, since and besides"),
        ({"sane": []}, "unknown key 'sane'; allowed: same"),
        ({"same": "machine_id"}, "provenance 'machine_id' is not a list of columns"),
        ({"same": [1]}, "provenance 1 is not a column; write its name"),
        ({"same": ["machine"]}, "names 'machine', which is not a column of it; columns: machine_id, route_id"),
        ({"since": "yesterday"}, "names 'yesterday', which is not a column of it"),
        ({"since": 3}, "provenance.since 3 is not a text"),
        ({"peers": ["slot_no"]}, "names 'slot_no', which is not a column of it"),
        ({"inputs": {"fct_sale": []}}, "names 'fct_sale', which it does not read; it reads: fct_sales, int_routes"),
        ({"inputs": ["fct_sales"]}, "provenance.inputs is not a mapping from an input's name to columns"),
    ],
)
def test_what_is_wrong_is_one_sentence(said: Any, problem: str) -> None:
    with pytest.raises(ValueError, match="provenance") as refused:
        read_provenance(said, COLUMNS, INPUTS)
    assert problem in str(refused.value)
