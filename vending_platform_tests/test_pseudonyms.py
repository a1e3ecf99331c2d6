"""The same person is the same everywhere, and nobody without the key can say who it is."""

import re
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from vending_platform.anonymising import Pseudonyms
from vending_platform.pseudonyms import CHARACTERS, normalize
from vending_platform_tests.anonymising.contracts import KEY, PSEUDONYMS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("髙﨑 洋吾", "髙﨑　洋吾"),
        ("髙﨑 洋吾", " 髙﨑洋吾\t"),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ　タロウ"),
        ("Ｓ０００１", "S0001"),
        ("YAMADA Taro", "Yamada\u200b Taro"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_a_person_written_in_two_ways_is_one(one: str, other: str) -> None:
    assert PSEUDONYMS.of(one) == PSEUDONYMS.of(other)


@pytest.mark.parametrize(("one", "other"), [("S0001", "S001"), ("髙﨑 洋吾", "高崎 洋吾"), ("ハハ", "パパ")])
def test_another_one_is_another_one(one: str, other: str) -> None:
    assert PSEUDONYMS.of(one) != PSEUDONYMS.of(other)


@given(st.text().filter(normalize))
def test_it_is_readable_and_the_same_bytes_in_every_encoding(name: str) -> None:
    pseudonym = PSEUDONYMS.of(name)
    assert re.fullmatch("Person-[A-Z2-7]{16}", pseudonym)
    assert pseudonym.encode("utf-8") == pseudonym.encode("cp932")
    assert set(pseudonym) <= CHARACTERS


def test_with_another_key_everybody_is_somebody_else() -> None:
    other = Pseudonyms(SecretStr(KEY + "!"))
    assert other.of("S0001") != PSEUDONYMS.of("S0001")


def test_it_is_what_the_key_makes_of_it_today_and_in_a_year() -> None:
    """Another way to make them would give every person a second pseudonym. The expected one is from a shell:
    printf '髙﨑洋吾' | openssl dgst -sha256 -hmac "$KEY" -binary | head -c 10 | base32"""
    assert PSEUDONYMS.of("髙﨑 洋吾") == "Person-DKSEICDBZAYQMNXV"
    assert Pseudonyms(SecretStr(f"{KEY}\n")).of("髙﨑 洋吾") == PSEUDONYMS.of("髙﨑 洋吾")


def test_a_key_that_could_be_guessed_is_refused_and_no_key_is_shown() -> None:
    short = SecretStr("".join(reversed("hguone gnol ton")) + " " * 20)
    with pytest.raises(ValueError, match="less than 32 characters") as caught:
        Pseudonyms(short)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "Pseudonyms" in shown
    assert "not long enough" not in shown
    assert KEY not in f"{PSEUDONYMS} {PSEUDONYMS!r}"
