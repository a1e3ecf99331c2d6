"""Packages as hospitals send them: tab-separated text in CP932 without headers, and a manifest that lists it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from dpc_simulator.cases import Case
from dpc_simulator.reference import PROCEDURES, Hospital

_VERSION = "20240601"


def folder_of(hospital: Hospital, month: date) -> str:
    return f"yyyymm={month:%Y%m}/{hospital.code}"


def package_of(hospital: Hospital, month: date, cases: Sequence[Case], revision: int = 1) -> dict[str, bytes]:
    """The files of a package by name, with its manifest."""
    rows: Mapping[str, Iterable[Sequence[object]]] = {
        "FF1": (row for case in cases for row in _form_1(case)),
        "FF4": (
            (case.hospital, case.number, _day(case.discharged_on), _day(case.admitted_on), case.episode, case.insurance)
            for case in cases
        ),
        "Dn": (row for case in cases for row in _charges(case)),
        "EFn": (row for case in cases for row in _procedures(case)),
        "Hn": (row for case in cases for row in _needs(case)),
    }
    files = {}
    listed = []
    for kind, of_kind in rows.items():
        text = "".join("\t".join(map(str, row)) + "\r\n" for row in of_kind)
        name, content = f"{kind}_{hospital.code}_{month:%y%m}.txt", text.encode("cp932")
        files[name] = content
        listed.append(
            {
                "name": name,
                "kind": kind,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "rows": content.count(b"\n"),
            }
        )
    manifest = {
        "version": 1,
        "package": "dpc",
        "sender": hospital.code,
        "period": f"{month:%Y-%m}",
        "revision": revision,
        "files": listed,
    }
    return {**files, "manifest.json": json.dumps(manifest, indent=1).encode() + b"\n"}


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"


def _form_1(case: Case) -> Iterable[Sequence[object]]:
    def row(code: str, *payload: str) -> Sequence[object]:
        values = [*payload, *[""] * (9 - len(payload))]
        return (case.hospital, case.number, _day(case.admitted_on), case.episode, 0, code, _VERSION, 0, *values)

    yield row("A000010", case.sex, _day(case.born_on))
    yield row("A000020", _day(case.admitted_on), _day(case.discharged_on))
    yield row("A000030", case.outcome)
    yield row("A006010", "", "", case.group.name)


def _charges(case: Case) -> Iterable[Sequence[object]]:
    for number, day in enumerate(case.days, 1):
        stay = (case.hospital, _day(case.discharged_on), _day(case.admitted_on), case.number)
        yield (*stay, "93", 1, case.group.code, _day(day), case.group.points_of_day(number))


def _procedures(case: Case) -> Iterable[Sequence[object]]:
    for number, order in enumerate(case.orders, 1):
        what = PROCEDURES[order.code]
        stay = (case.hospital, _day(case.discharged_on), _day(case.admitted_on), case.number)
        detail = (what.kind, number, 1, order.code, what.name, order.amount, what.points, order.times)
        yield (*stay, *detail, _day(order.day))


def _needs(case: Case) -> Iterable[Sequence[object]]:
    for day, scores in zip(case.days, case.scores, strict=True):
        stay = (case.hospital, case.number, _day(case.discharged_on), _day(case.admitted_on))
        yield (*stay, _day(day), "ASS0021", _VERSION, *scores)
