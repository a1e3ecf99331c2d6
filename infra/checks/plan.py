"""What a plan would make, flat: resources by type, with their values, and policies as documents."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    address: str
    type: str
    name: str
    """The name in the code, with its key where there are several."""
    values: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    root: str
    resources: tuple[Resource, ...]
    account: str
    region: str
    declared: dict[str, Any]
    """What environments.yml declares; empty for what is no environment of a domain."""

    def prefixes(self) -> dict[str, str]:
        return {name: place.split("/", 3)[3].rstrip("/") for name, place in self.declared["places"].items()}

    def of_type(self, kind: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == kind]

    def one(self, kind: str, address_ends: str = "") -> Resource:
        found = [resource for resource in self.of_type(kind) if resource.address.endswith(address_ends)]
        assert len(found) == 1, f"{self.root}: {len(found)} {kind} …{address_ends}"
        return found[0]

    def apis(self) -> list[str]:
        """The APIs over databases that are made, by their names."""
        return sorted(resource.address.split('"')[1] for resource in self.of_type("aws_lambda_function"))

    def policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every policy document, by the address of its resource."""
        for resource in self.resources:
            for attribute in ("policy", "assume_role_policy"):
                document = resource.values.get(attribute)
                if resource.type == "aws_ecr_lifecycle_policy" or document is None:
                    continue
                yield f"{resource.address}.{attribute}", json.loads(document)

    def of_role(self, role: str) -> list[dict[str, Any]]:
        """The statements of the policies that a role has; a role is named by the end of its name in AWS."""
        names = {resource.values["name"] for resource in self.of_type("aws_iam_role") if self._is(resource, role)}
        assert len(names) == 1, f"{self.root}: the roles {sorted(names)} are called {role}"
        return [
            statement
            for resource in self.of_type("aws_iam_role_policy")
            if resource.values["role"] in names
            for statement in json.loads(resource.values["policy"])["Statement"]
        ]

    def roles(self) -> set[str]:
        """Without prefix and suffix."""
        return {resource.values["description"].split(" of ")[0] for resource in self.of_type("aws_iam_role")}

    @staticmethod
    def _is(resource: Resource, role: str) -> bool:
        return bool(resource.values["description"].split(" of ")[0] == role)


def read_plan(root: str, document: dict[str, Any], declared: dict[str, Any]) -> Plan:
    given = {name: variable["value"] for name, variable in document["variables"].items()}
    resources = tuple(_resources(document["planned_values"]["root_module"]))
    return Plan(root, resources, given["account"], given["region"], declared)


def _resources(module: dict[str, Any]) -> Iterator[Resource]:
    for resource in module.get("resources", ()):
        key = resource.get("index")
        name = resource["name"] + (f"[{key}]" if key is not None else "")
        yield Resource(resource["address"], resource["type"], name, resource.get("values", {}))
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
