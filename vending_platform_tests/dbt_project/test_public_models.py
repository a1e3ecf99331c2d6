"""What of the project others may build on, and what its documentation opens with."""

import re
from typing import Any

Manifest = dict[str, Any]


def test_only_marts_are_public(manifest: Manifest) -> None:
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    public = {node["name"] for node in models if node["access"] == "public"}
    assert public == {node["name"] for node in models if node["schema"] == "marts"}
    assert {node["access"] for node in models if node["name"] not in public} == {"protected"}


def test_the_documentation_opens_with_a_page_about_this_project(manifest: Manifest) -> None:
    page = manifest["docs"]["doc.vending.__overview__"]["block_contents"]
    known = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    named = set(re.findall(r"`((?:fct|dim|mart|int|stg)_\w+)`", page))
    assert named, "it names models to begin with"
    assert named - known == set()


def test_every_model_below_the_marts_has_a_test(manifest: Manifest) -> None:
    tested = {node.get("attached_node") for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    untested = sorted(node["name"] for node in models if node["unique_id"] not in tested)
    assert untested == [], "give each of these a data test in the YAML beside it, such as unique_combination or filled"
