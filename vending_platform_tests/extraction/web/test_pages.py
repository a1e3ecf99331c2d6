"""Lists in pages: all of them arrive, or nothing does."""

from typing import Any

import pytest

from vending_platform.extraction import SystemUnavailable
from vending_platform.extraction.web import paging
from vending_platform_tests.emulators.services import Fault, Reply
from vending_platform_tests.emulators.services.server import as_json
from vending_platform_tests.extraction.web.parts import ExtractedApi, ThingService, thing_source

WAYS: dict[str, tuple[dict[str, Any], list[dict[str, str]]]] = {
    "page": ({"by": "page"}, [{"page": str(number)} for number in range(1, 5)]),
    "offset": ({"by": "offset"}, [{"offset": str(number)} for number in (0, 3, 6, 8)]),
    "cursor": ({"by": "cursor", "param": "after", "path": "meta.next"}, [{}, {"after": "3"}, {"after": "6"}]),
    "link": ({"by": "link"}, [{}, {"from": "3", "x": "1"}, {"from": "6", "x": "1"}]),
}
PATH = "things_20240310.parquet"


@pytest.mark.parametrize("way", WAYS)
def test_every_page_arrives(listed: ExtractedApi, things: ThingService, way: str) -> None:
    declared, requests = WAYS[way]
    listed.sources = (thing_source(paging=declared),)
    assert listed.one().rows == 8
    assert listed.rows(PATH) == things.things
    assert [dict(request.params) for request in listed.server.requests] == requests


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_page_that_fails_is_asked_for_again(listed: ExtractedApi, things: ThingService, way: str, after: int) -> None:
    listed.sources = (thing_source(paging=WAYS[way][0]),)
    listed.server.faults += [
        Fault(Reply(status=503), after=after),
        Fault(Reply(b'{"data": [{"id": 99', cut=9), after=after),
        Fault(Reply(silent=True), after=after),
    ]
    assert listed.one().problem is None
    assert listed.rows(PATH) == things.things


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_page_that_fails_for_good_delivers_nothing(listed: ExtractedApi, way: str, after: int) -> None:
    listed.sources = (thing_source(paging=WAYS[way][0]),)
    listed.server.faults.append(Fault(Reply(status=500), times=4, after=after))
    with pytest.raises(SystemUnavailable, match=r"things \(GET /things.*answered 500"):
        listed.extract()
    assert listed.files() == {}
    assert listed.one().rows == 8


def test_a_list_that_moves_is_read_again(listed: ExtractedApi, things: ThingService) -> None:
    """A thing that is put in front pushes one of the first page to the second."""
    listed.sources = (thing_source(paging={"by": "page"}),)

    def put_in_front() -> None:
        if len(listed.server.requests) == 2:
            things.things = [{"id": 0, "word": "new"}, *things.things]

    things.on_page = put_in_front
    assert listed.one().problem is None
    assert [row["id"] for row in listed.rows(PATH)] == list(range(9))


def test_a_list_that_never_stands_still_is_unavailable(listed: ExtractedApi, things: ThingService) -> None:
    listed.sources = (thing_source(paging={"by": "offset"}),)
    things.on_page = lambda: things.things.insert(0, {"id": -len(things.things), "word": "new"})
    with pytest.raises(SystemUnavailable, match="the list changes while its pages are read"):
        listed.extract()


def test_pages_that_lead_in_a_circle_end(listed: ExtractedApi) -> None:
    listed.sources = (thing_source(paging={"by": "cursor", "path": "next"}),)
    listed.server.faults.append(Fault(as_json({"data": [{"id": 1}], "next": "again"}), times=9))
    assert listed.one().problem == "things (/things): a page is named again that was named before"
    assert len(listed.server.requests) == 2


def test_a_cursor_that_is_none_is_a_problem(listed: ExtractedApi) -> None:
    listed.sources = (thing_source(paging={"by": "cursor", "path": "next"}),)
    listed.server.faults.append(Fault(as_json({"data": [{"id": 1}], "next": {"a": 1}})))
    assert listed.one().problem == "things (/things): the next cursor is neither a text nor a number"


@pytest.mark.parametrize("end", [None, False, ""])
def test_ways_to_say_that_there_is_no_next_page(listed: ExtractedApi, end: object) -> None:
    listed.sources = (thing_source(paging={"by": "cursor", "path": "next"}),)
    listed.server.faults.append(Fault(as_json({"data": [{"id": 1}], "next": end})))
    assert listed.one().rows == 1


def test_more_pages_than_can_be_meant_end(listed: ExtractedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "_MOST_PAGES", 2)
    listed.sources = (thing_source(paging={"by": "page"}),)
    assert listed.one().problem == "things (/things): there are more than 2 pages"


def test_a_next_page_at_another_host_is_refused(listed: ExtractedApi) -> None:
    """The key would go with the request."""
    listed.sources = (thing_source(paging={"by": "link"}),)
    link = {"link": '<http://other.example:1/things>; rel="next"'}
    listed.server.faults.append(Fault(as_json({"data": [{"id": 1}]}, headers=link)))
    assert listed.one().problem == "things names a next page at another host, other.example:1"
