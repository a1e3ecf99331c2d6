"""Whoever is known is found, however the name is written, and nothing is taken for somebody that only looks so."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.anonymising.searching import People, Search
from vending_platform.catalog import Encoding
from vending_platform.ingestion.reading import FileContent, content_of
from vending_platform.pseudonyms import fold, normalize

ORIGIN = "staff.name"


def search(*names: str) -> Search:
    people = People()
    for name in names:
        people.add(name, ORIGIN)
    return people.search()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("髙﨑 洋吾", "x,髙﨑洋吾様宅前,y"),
        ("髙﨑洋吾", "髙﨑　洋吾"),
        ("ﾔﾏﾀﾞ", "（ヤマダ）"),
        ("ヤマダ", "ﾔﾏﾀﾞ商店"),
        ("佐藤", "佐\n藤"),
        ("Taro Yamada", "by TAROYAMADA."),
        ("Taro Yamada", "mailto:staff_taro yamada2@example.com"),
        ("S0001", "担当Ｓ０００１田中"),
        ("S0001", "s0001"),
        ("090-1234-5678", "tel 090-1234-5678"),
        ("a" * 50, "a" * 50),
    ],
)
def test_somebody_is_found(name: str, text: str) -> None:
    assert search(name, "S00019", "その他の人").in_text(text) == (1, ORIGIN)


@pytest.mark.parametrize(
    ("name", "text"),
    [("S0001", "S00011"), ("S0001", "VS0001"), ("Anna", "Annabel,Joanna"), ("S0001", "S000,1"), ("佐藤", "佐,藤")],
)
def test_something_else_is_not_taken_for_somebody(name: str, text: str) -> None:
    assert search(name).in_text(text) is None


@pytest.mark.parametrize("name", ["林", "S1", "1001", "20240301", "123456789"])
def test_what_would_be_found_everywhere_is_not_looked_for_but_counted(name: str) -> None:
    people = People()
    people.add(name, ORIGIN)
    assert (people.origins, people.too_short) == ({}, {normalize(name)})
    assert people.search().in_text(name) is None


def test_the_line_and_the_column_are_told() -> None:
    assert search("髙﨑").in_content(content_of("a\nb\n髙﨑\n".encode("cp932")), Encoding.CP932) == (3, ORIGIN)
    assert search().in_content(content_of(b"a"), Encoding.UTF_8) is None


NAME = st.text("ab1-高崎", min_size=4, max_size=9)


@given(st.lists(NAME, max_size=6), st.text("ab1- ,\n高崎", max_size=40))
def test_it_finds_what_looking_for_one_after_the_other_finds(names: list[str], text: str) -> None:
    def one(name: str) -> bool:
        anywhere = r"\s*".join(map(re.escape, normalize(name)))
        is_word = name.isascii() and len(name) < 8
        wanted = rf"(?<![0-9a-z]){anywhere}(?![0-9a-z])" if is_word else anywhere
        return re.search(wanted, fold(text)) is not None

    looked_for = [name for name in names if not (name.isdigit() and len(name) < 10)]
    assert (search(*names).in_text(text) is not None) == any(map(one, looked_for))


@given(st.integers(1, 5), st.sampled_from(list(Encoding)), st.text("x\n高", max_size=20), st.booleans())
def test_in_pieces_of_a_large_file_as_in_the_whole(size: int, encoding: Encoding, around: str, is_there: bool) -> None:
    data = (around + ("髙﨑" if is_there else "髙") + around).encode(encoding)

    class InPieces(FileContent):
        def chunks(self) -> Iterator[bytes]:
            return (data[at : at + size] for at in range(0, len(data), size))

    expected = (around.count("\n") + 1, ORIGIN) if is_there else None
    assert search("髙﨑").in_content(InPieces(len(data), "", data=data), encoding) == expected


def test_many_people_are_looked_for_at_once() -> None:
    many = search(*(f"S{number:05}" for number in range(3000)), *(f"佐藤{number:05}" for number in range(3000)))
    assert many.in_text("x" * 100_000 + "\nS03000,佐藤2999") is None
    assert many.in_text("x" * 100_000 + "\nS02999") == (2, ORIGIN)
    assert many.in_text("x" * 100_000 + "\n佐藤 02999") == (2, ORIGIN)
