"""What a message of the store says, however odd it is."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.arrivals import ArrivedFile, WatchedBucket, raw_bucket, read_message
from vending_platform.environment import Places
from vending_platform_tests.arrivals.simulated_queue import BUCKET, event

SENT = datetime(2024, 3, 20, 9, tzinfo=UTC)
SEGMENT = st.text(st.characters(exclude_characters="/", exclude_categories=("Cc", "Cs")), min_size=1).filter(
    lambda segment: segment not in (".", "..")
)


def test_a_written_file_is_told_with_all_that_is_known_of_it() -> None:
    reading = read_message(event("sales/sales_VM001_20240305.csv", 17), BUCKET, SENT)
    assert reading.notices == (ArrivedFile("sales/sales_VM001_20240305.csv", "e", "0000000000000011", 5, SENT),)
    assert (reading.notices[0].size, reading.notices[0].sent_at) == (5, SENT)
    assert (reading.passed_over, reading.problem) == ((), None)


@given(st.lists(SEGMENT, min_size=1, max_size=3).map("/".join))
def test_every_key_is_the_path_that_was_written(path: str) -> None:
    (notice,) = read_message(event(path), BUCKET, SENT).notices
    assert notice.path == path


def changed(**other: Any) -> dict[str, Any]:
    (record,) = json.loads(event("a.csv"))["Records"]
    record["s3"]["object"].update(other)
    return {"Records": [record]}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}), "a test of the store"),
        (event("a.csv", bucket="somebody-elses"), "about another bucket, somebody-elses"),
        (json.dumps(changed(key="processed-data/a.csv")), "about another folder than raw-data/"),
        (json.dumps(changed(key="raw-data")), "about another folder than raw-data/"),
        (json.dumps(changed(key="raw-data/sales/")), "about a folder"),
        (event("a.csv", name="ObjectRemoved:Delete"), "no file was written: ObjectRemoved:Delete"),
        (event("a.csv", name="s3:ObjectTagging:Put"), "no file was written: ObjectTagging:Put"),
    ],
)
def test_what_tells_of_no_written_file_says_why(body: str, why: str) -> None:
    reading = read_message(body, BUCKET, SENT)
    assert (reading.notices, reading.passed_over, reading.problem) == ((), (why,), None)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "it is not JSON"),
        ("{'Records': []}", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[1]", "no list of Records"),
        ('{"Records": "many"}', "no list of Records"),
        ('{"Message": "{}", "Type": "Notification"}', "no list of Records"),
        ('{"Records": [7]}', "no eventName"),
        ('{"Records": [{"eventName": "ObjectCreated:Put", "s3": []}]}', "no s3.bucket.name"),
        (json.dumps(changed(key=None)), "no s3.object.key"),
        (json.dumps(changed(key="raw-data/%FF.csv")), "not UTF-8"),
        (json.dumps(changed(key="raw-data/\ud800.csv")), "not UTF-8"),
        (json.dumps(changed(key="raw-data/a//b.csv")), "can't be read as the path of a file: 'raw-data/a//b.csv'"),
        (json.dumps(changed(key="raw-data/../b.csv")), "can't be read"),
        (json.dumps(changed(key="raw-data/a%0Ab.csv")), "can't be read"),
    ],
)
def test_what_cannot_be_understood_says_why(body: str, problem: str) -> None:
    reading = read_message(body, BUCKET, SENT)
    assert reading.notices == ()
    assert problem in (reading.problem or "")


def test_one_bad_record_hides_no_good_one() -> None:
    records = [*changed(key="raw-data/%FF")["Records"], *json.loads(event("b.csv"))["Records"]]
    reading = read_message(json.dumps({"Records": records}), BUCKET, SENT)
    assert [notice.path for notice in reading.notices] == ["b.csv"]
    assert reading.problem is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["s3", "bucket", "key"]), inner),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=3), st.text())
def test_no_message_ends_a_look(records: list[Any], text: str) -> None:
    for body in (text, json.dumps({"Records": records}), json.dumps({"Records": [{"eventName": text, "s3": records}]})):
        reading = read_message(body, BUCKET, SENT)
        assert reading.notices == ()


def test_the_same_event_told_twice_is_one_notice_and_another_writing_is_another() -> None:
    first, again = (read_message(event("a.csv"), BUCKET, sent).notices for sent in (SENT, SENT.replace(hour=10)))
    assert first == again
    assert read_message(event("a.csv", 2), BUCKET, SENT).notices != first


def test_the_bucket_is_the_one_of_the_raw_place() -> None:
    assert raw_bucket(Places("s3://b/raw-data", "", "", "")) == WatchedBucket("b", "raw-data/")
    assert raw_bucket(Places("s3://b", "", "", "")) == WatchedBucket("b", "")
    assert (
        read_message(json.dumps(changed(key=quote_plus("売上.csv"))), WatchedBucket(BUCKET.name, ""), SENT)
        .notices[0]
        .path
    )
    with pytest.raises(ValueError, match="data/sources: only a bucket"):
        raw_bucket(Places("data/sources", "", "", ""))
