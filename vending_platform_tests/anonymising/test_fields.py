"""A file's bytes are divided so that what is personal can be replaced, and nothing else is touched."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.anonymising.fields import Segment, pieces, suspected, unfit
from vending_platform.catalog import ContentFormat, Encoding, Source
from vending_platform.ingestion.reading import FileContent, FileProblem, content_of
from vending_platform.ingestion.reading.decoding import encoding_of
from vending_platform.pseudonyms import normalize
from vending_platform_tests.anonymising.contracts import PSEUDONYMS, column, places, staff, visits

# In CP932 the second bytes of ポ, ソ and ー are those of |, \ and [; 髙, ① and ｱ are where encodings differ.
TEXT = st.text("ポソー髙①ｱ山 　aS1-'|,\"\r\n", max_size=6)
ENCODINGS = {"utf-8": "utf-8", "utf-8 with a mark": "utf-8-sig", "cp932": "cp932"}


def divided(source: Source, data: bytes) -> list[Segment]:
    content = content_of(data)
    return list(pieces(source, content, encoding_of(content, source.files.encodings)))


def anonymous(source: Source, data: bytes) -> bytes:
    return b"".join(p.raw if p.value is None else PSEUDONYMS.of(p.value).encode() for p in divided(source, data))


def people(source: Source, data: bytes) -> list[str]:
    return [piece.value for piece in divided(source, data) if piece.value is not None]


def written(field: str, source: Source, *, quoted: bool) -> str:
    delimiter, quote = source.files.delimiter, source.files.quote
    if quoted or any(special in field for special in (delimiter, quote, "\r", "\n")):
        return quote + field.replace(quote, quote * 2) + quote
    return field


@st.composite
def files(draw: st.DrawFn) -> tuple[Source, list[list[tuple[str, bool]]], str, str, bool]:
    """A contract, rows of fields with or without quotes, an encoding, a line end, and whether the last row has one."""
    delimiter, quote = draw(st.sampled_from([(",", '"'), ("|", "'"), ("\t", '"')]))
    row = st.lists(st.tuples(TEXT, st.booleans()), min_size=3, max_size=3)
    rows = draw(st.lists(row, max_size=5))
    encoding, end = draw(st.sampled_from(sorted(ENCODINGS))), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return staff(delimiter=delimiter, quote=quote), rows, encoding, end, draw(st.booleans())


@given(files())
def test_only_the_people_change_and_every_other_byte_stays(
    file: tuple[Source, list[list[tuple[str, bool]]], str, str, bool],
) -> None:
    source, rows, encoding, end, is_ended = file
    header = [("branch", False), ("name", True), ("id", False)]  # in an order of its own

    def made(*, anonymously: bool) -> bytes:
        lines = []
        for number, row in enumerate([header, *rows]):
            fields = []
            for (text, quoted), (title, _) in zip(row, header, strict=True):
                field = written(text, source, quoted=quoted)
                if anonymously and number and title != "branch" and normalize(text):
                    mark = source.files.quote if field.startswith(source.files.quote) else ""
                    field = mark + PSEUDONYMS.of(text) + mark
                fields.append(field)
            lines.append(source.files.delimiter.join(fields))
        return (end.join(lines) + (end if is_ended else "")).encode(ENCODINGS[encoding])

    assert anonymous(source, made(anonymously=False)) == made(anonymously=True)


@given(st.binary(max_size=60), st.sampled_from([staff(), visits(), places(), staff(delimiter="|", quote="none")]))
def test_any_bytes_are_divided_without_loss_or_refused(data: bytes, source: Source) -> None:
    header = source.files.delimiter.join(c.name for c in source.columns).encode() + b"\n"
    for file in (data, header + data):
        try:
            found = divided(source, file)
        except FileProblem:
            continue
        assert b"".join(piece.raw for piece in found) == file


@given(
    st.lists(st.tuples(TEXT.filter(normalize), TEXT, TEXT), min_size=1, max_size=4),
    st.integers(1, 7),
    st.sampled_from(["utf-8", "cp932"]),
)
def test_a_large_file_in_pieces_is_divided_as_a_whole_one_is(
    rows: list[tuple[str, str, str]], size: int, encoding: str
) -> None:
    source = staff()
    text = "\n".join(
        [",".join(written(f, source, quoted=True) for f in row) for row in [("id", "name", "branch"), *rows]]
    )
    data = text.encode(encoding)

    class InPieces(FileContent):
        def chunks(self) -> Iterator[bytes]:
            return (data[at : at + size] for at in range(0, len(data), size))

    whole = divided(source, data)
    encoded = encoding_of(content_of(data), source.files.encodings)
    cut = list(pieces(source, InPieces(len(data), "", data=data), encoded))
    assert cut == whole


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("ポ|ポ山|ポ", "{}|{}|ポ"),
        ("'ポ''|'|'ポ'|'ポ|'", "'{}'|'{}'|'ポ|'"),
        ("x|'ポ|ポ'|", "{}|'{}'|"),
    ],
)
def test_the_second_half_of_a_character_is_no_delimiter(row: str, expected: str) -> None:
    source = staff(delimiter="|", quote="'")
    file = f"id|name|branch\n{row}\n".encode("cp932")
    assert b"\x83|" in file
    pseudonyms = [PSEUDONYMS.of(who) for who in people(source, file)]
    assert anonymous(source, file) == f"id|name|branch\n{expected.format(*pseudonyms)}\n".encode("cp932")


def test_bytes_that_two_ways_of_writing_share_stay_as_they_are() -> None:
    """CP932 has NEC's and IBM's doubles: decoded and encoded again they would be other bytes."""
    doubles = b"\x87\x90\xed\x40\xfa\x4a"
    assert doubles.decode("cp932").encode("cp932") != doubles
    file = b"id,name,branch\r\n1," + doubles + b"," + doubles + b"\r\n"
    pseudonyms = [PSEUDONYMS.of(who).encode() for who in ("1", doubles.decode("cp932"))]
    assert anonymous(staff(), file) == b"id,name,branch\r\n%b,%b,%b\r\n" % (*pseudonyms, doubles)


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("", []),
        ("\n\n", []),
        ("id,name,branch\n", []),
        ("id,name,branch\n\n1,,x\n \t,　,x\n", ["1"]),
        (' id ,name,branch\n1,"a, ""b""",x\n', ["1", 'a, "b"']),
        ("branch,id\nx,1\n", ["1"]),
        ("id,name,branch,name\n1,a,x,b\n", ["1", "a", "b"]),
        ("id,name,branch\n1,a,x\n2,b", ["1", "a", "2", "b"]),  # cut off
        ("id,name,branch\n1,a,x\n2", ["1", "a", "2"]),
    ],
)
def test_what_is_personal_in_an_odd_file_that_is_no_riddle(file: str, found: list[str]) -> None:
    assert people(staff(), file.encode()) == found
    assert b"".join(piece.raw for piece in divided(staff(), file.encode())) == file.encode()


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ('id,name,branch\n1,"Rika,x\n2,b,x\n', "quotes can't be followed"),
        ('id,name,branch\n1,"Rika"x,y\n', "quotes can't be followed"),
        ("id,name,branch\n1,Rika\n2,b,x\n", "line 2 on has too few fields"),
        ("id,name,branch\n1,Rika,Moe,x\n", "line 2 on has more fields than the header"),
        ("id,name,branch,memo\n1,a,x,Rika\n", "column 4 of its header is not declared"),
        ("1,Rika,x\n2,b,x\n", "column 1 of its header is not declared"),
        ("Id,Name,Branch\n1,Rika,x\n", "column 1 of its header is not declared"),
    ],
)
def test_a_riddle_is_refused_and_the_reason_names_nobody(file: str, why: str) -> None:
    with pytest.raises(FileProblem, match=why) as refused:
        divided(staff(), file.encode())
    assert "Rika" not in str(refused.value)


@pytest.mark.parametrize(
    ("file", "is_fine"),
    [
        ("place,title\n1\n", True),
        ("place,title\n1,x", True),
        ("title\nx\n", True),
        ("place,title\n1,x,y\n", False),
        ("place,title,memo\n1,x,y\n", False),
        ('place,title\n1,"x\n', False),
    ],
)
def test_a_file_about_nobody_may_be_as_broken_as_it_likes_but_holds_nothing_undeclared(
    file: str, is_fine: bool
) -> None:
    if is_fine:
        assert anonymous(places(), file.encode()) == file.encode()
    else:
        with pytest.raises(FileProblem):
            divided(places(), file.encode())


@pytest.mark.parametrize("data", ["id,name,branch\n1,髙,x\n".encode("utf-16"), b"id,name,branch\n1,\xff\xfe\x81,x\n"])
def test_what_cannot_be_decoded_is_refused(data: bytes) -> None:
    with pytest.raises(FileProblem, match=r"UTF-16|can't be decoded"):
        divided(staff(), data)


def lines(*rows: Sequence[str]) -> bytes:
    return "".join(",".join(row) + "\n" for row in rows).encode("cp932")


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (lines(["id", "name", "branch"], ["7", "髙﨑", "千葉"], ["8", '"山田', "千葉"]), {"髙﨑", "山田"}),
        (lines(["id", "name", "branch"], ["7", "髙﨑"], ["8", "山", "田", "千葉"]), {"髙﨑", "山", "田"}),
        (lines(["7", "髙﨑", "千葉"]), {"髙﨑"}),
        (lines(["id", "name", "branch"], ["7", "山田", "千葉"]).replace(b"\n7", b"\n\xff7"), {"山田"}),
        (b"id,name,branch\r7," + "髙﨑".encode() + b"\xe9\xab,x\r", {"髙﨑"}),
    ],
)
def test_of_a_master_that_is_a_riddle_rather_too_many_are_suspected(data: bytes, known: set[str]) -> None:
    assert known <= {value for _, value in suspected(staff(), content_of(data))}


def test_of_rows_in_order_only_people_are_suspected_and_of_daily_files_nobody_else() -> None:
    master = lines(["id", "name", "branch"], ["7", "髙﨑", "千葉"], ["8", "山田"])
    assert "千葉" not in {value for _, value in suspected(staff(encodings=["cp932"]), content_of(master))}
    daily = lines(["visit", "staff", "note"], ["1", "髙﨑", "千葉"], ["2", "山田"])
    assert {value for _, value in suspected(visits(encodings=["cp932"]), content_of(daily))} == {"髙﨑"}


def test_a_contract_whose_personal_columns_take_no_pseudonym_is_told() -> None:
    assert unfit(staff()) is None
    assert unfit(places(delimiter="-")) == "its delimiter or quote is a character of pseudonyms"
    for said in ({"type": "date"}, {"values": ["a"]}, {"pattern": "[0-9]+"}):
        source = staff(column("id", required=True), column("born", personal=True, **said))
        assert "no pseudonym fits into born" in (unfit(source) or "")


def test_the_reader_of_deliveries_sees_the_same_fields() -> None:
    """Python's own writer, as an independent witness of what is a field."""
    buffer = io.StringIO()
    rows = [["1", 'Jo "J" Smith', "a,b"], ["2", "two\nlines", ""], ["3", "'", '"']]
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["id", "name", "branch"], *rows])
    assert people(staff(), buffer.getvalue().encode()) == [field for row in rows for field in row[:2]]


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)], ids=["gz", "zstd"]
)
def test_what_is_compressed_is_left_out(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(FileProblem, match=r"^only CSV that is not compressed can be anonymised$"):
        list(pieces(staff(), content_of(pack(b"id,name,branch\n1,A,B\n")), Encoding.UTF_8))


def test_what_is_not_csv_is_left_out() -> None:
    source = staff()
    typed = source.model_copy(update={"files": source.files.model_copy(update={"format": ContentFormat.JSONL})})
    with pytest.raises(FileProblem, match=r"^only CSV that is not compressed can be anonymised$"):
        divided(typed, b'{"id": "1", "name": "A", "branch": "B"}\n')
