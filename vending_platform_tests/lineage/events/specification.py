"""What OpenLineage's specification demands of events: their shapes with formats, and the order of those of a run.

The facets' shapes come from the classes that openlineage-python generates from the specification; ours from the schema
that we publish. The specification's own validator takes "yesterday" for a time and a COMPLETE after a FAIL.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from uuid import UUID

import attr
import jsonschema_rs
from openlineage.client import generated
from openlineage.client.generated import base

from vending_platform import lineage

OWN = json.loads((Path(lineage.__path__[0]) / "events" / "own-facets.json").read_text())
TEXT = {"type": "string", "minLength": 1}
URI = {"type": "string", "format": "uri"}
_FACETS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"_producer": URI, "_schemaURL": URI},
        "required": ["_producer", "_schemaURL"],
    },
}


def _named(*facets: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"namespace": TEXT, "name": TEXT, **dict.fromkeys(facets, _FACETS)},
        "required": ["namespace", "name"],
        "additionalProperties": False,
    }


RUN_EVENT = {
    "type": "object",
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time"},
        "producer": URI,
        "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "run": {
            "type": "object",
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": _FACETS},
            "required": ["runId"],
            "additionalProperties": False,
        },
        "job": _named("facets"),
        "inputs": {"type": "array", "items": _named("facets", "inputFacets")},
        "outputs": {"type": "array", "items": _named("facets", "outputFacets")},
    },
    "required": ["eventType", "eventTime", "producer", "schemaURL", "run", "job"],
    "additionalProperties": False,
}


def _is_moment(value: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False


def _is_uri(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", value) is not None


FORMATS = {"date-time": _is_moment, "uuid": _is_uuid, "uri": _is_uri}


def _validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for(schema, formats=FORMATS, validate_formats=True)


_EVENTS = _validator(RUN_EVENT)


def check_events(events: Iterable[Mapping[str, Any]]) -> None:
    """Raises for the first that is not as the specification demands, by itself or after those before it."""
    states = RunStates()
    for event in events:
        check_event(event)
        states.take(event)


def check_event(event: Mapping[str, Any]) -> None:
    _EVENTS.validate(event)
    for entity, name, facet in facets_of(event):
        _check_facet(entity, name, facet)


def facets_of(event: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Kind of the facet (`RunFacet` …), its name and content."""
    yield from (("RunFacet", name, facet) for name, facet in event["run"]["facets"].items())
    yield from (("JobFacet", name, facet) for name, facet in event["job"]["facets"].items())
    for side, own in (("inputs", "InputDatasetFacet"), ("outputs", "OutputDatasetFacet")):
        for dataset in event[side]:
            yield from (("DatasetFacet", name, facet) for name, facet in dataset.get("facets", {}).items())
            key = "inputFacets" if side == "inputs" else "outputFacets"
            yield from ((own, name, facet) for name, facet in dataset.get(key, {}).items())


class RunStates:
    """A run begins with START, has one end, and nothing after it; what is part of another run names it and its root."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self._times: dict[str, str] = {}
        self._jobs: dict[str, tuple[str, str]] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        run, state = event["run"]["runId"], event["eventType"]
        job = (event["job"]["namespace"], event["job"]["name"])
        before = self.states.get(run)
        assert (before is None) == (state == "START"), f"{state} of {job} after {before}"
        assert before in (None, "START", "RUNNING"), f"{state} of {job} after {before}"
        assert self._jobs.setdefault(run, job) == job, "a run is of one job"
        assert self._times.get(run, "") <= event["eventTime"], f"{state} of {job} is earlier than {before}"
        if (parent := event["run"]["facets"].get("parent")) is not None:
            for named in (parent, parent["root"]):
                known = self._jobs.get(named["run"]["runId"])
                assert known == (named["job"]["namespace"], named["job"]["name"]), f"{job} is part of an unknown run"
        self.states[run], self._times[run] = state, event["eventTime"]

    def open_runs(self) -> list[str]:
        return [self._jobs[run][1] for run, state in self.states.items() if state in ("START", "RUNNING")]


def _check_facet(entity: str, name: str, facet: Mapping[str, Any]) -> None:
    schema = facet["_schemaURL"]
    title = schema.rpartition("/")[2]
    if schema.startswith(OWN["$id"]):
        _validator(OWN["$defs"][title]).validate(facet)
        return
    found = _generated()[title]
    assert found._get_schema() == schema, f"{name} is of another version than openlineage-python's"
    assert issubclass(found, getattr(base, entity)), f"{name} is no {entity}"
    _check_object(found, {key: value for key, value in facet.items() if key not in ("_producer", "_schemaURL")})


def _check_object(kind: type, content: Mapping[str, Any]) -> None:
    """The content has the fields of the generated class, those that are needed at least, with values of their types."""
    fields = {field.name.lstrip("_") if field.name == "_deleted" else field.name: field for field in attr.fields(kind)}
    fields = {name: field for name, field in fields.items() if not name.startswith("_")}
    assert content.keys() <= fields.keys(), f"{kind.__name__} has no {sorted(content.keys() - fields.keys())}"
    needed = {name for name, field in fields.items() if field.default is attr.NOTHING}
    assert needed <= content.keys(), f"{kind.__name__} needs {sorted(needed - content.keys())}"
    module = import_module(kind.__module__)
    for name, value in content.items():
        _check_value(kind.__name__, name, str(fields[name].type), value, module)
    kind(**content)  # its own validators: formats of times, ids and addresses


def _check_value(kind: str, name: str, declared: str, value: object, module: Any) -> None:
    declared = declared.replace("| None", "").strip()
    where = f"{kind}.{name}={value!r} is no {declared}"
    if (listed := re.fullmatch(r"list\[(.+)\]", declared)) is not None:
        assert isinstance(value, list), where
        for one in value:
            _check_value(kind, name, listed[1], one, module)
    elif (mapped := re.fullmatch(r"dict\[str, (.+)\]", declared)) is not None:
        assert isinstance(value, dict), where
        for one in value.values():
            _check_value(kind, name, mapped[1], one, module)
    elif declared in ("str", "int", "bool"):
        assert type(value).__name__ == declared, where
        assert value != "", where
    elif declared == "float":
        assert isinstance(value, int | float), where
    elif declared == "Any":
        pass
    elif isinstance(found := getattr(module, declared, None), type) and attr.has(found):
        assert isinstance(value, Mapping), where
        _check_object(found, value)
    else:
        assert isinstance(value, Mapping), where
        condition = {"location": "LocationSubsetCondition"}[value["type"]]
        _check_object(getattr(module, condition), value)


@cache
def _generated() -> dict[str, type[base.BaseFacet]]:
    """Every facet class that openlineage-python generates."""
    found: dict[str, type[base.BaseFacet]] = {}
    for one in iter_modules(generated.__path__):
        module = import_module(f"{generated.__name__}.{one.name}")
        found |= {
            name: kind
            for name, kind in vars(module).items()
            if isinstance(kind, type) and issubclass(kind, base.BaseFacet) and kind.__module__ == module.__name__
        }
    return found
