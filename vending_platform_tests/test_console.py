"""Whatever a name holds, a terminal shows it, and does nothing else with it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Group
from rich.table import Table
from rich.text import Text

from vending_platform.console import PlainConsole, harmless


def printed(*things: object) -> str:
    shown = io.StringIO()
    PlainConsole(file=shown, width=300).print(*things)
    return shown.getvalue()


@pytest.mark.parametrize("name", ["d[b]z", "[/]", "[red]x[/red]", ":smile:", "売上_①.csv"])
def test_a_name_that_looks_like_markup_is_shown_as_it_is(name: str) -> None:
    table = Table("file")
    table.add_row(name)
    assert printed(name) == f"{name}\n"
    assert name in printed(Group(f"in {name}", Text(name, style="bold"), table))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\x07b", "a\\x07b"),
        ("over\u202etxt.exe", "over\\u202etxt.exe"),
        ("half\udcff", "half\\udcff"),
        ("two\nnames", "two\\nnames"),
        ("two\u2028lines", "two\\u2028lines"),
    ],
)
def test_what_would_steer_the_terminal_is_shown_as_an_escape(name: str, shown: str) -> None:
    assert harmless(name) == shown
    assert "\x1b" not in printed(Text(name), Group(name))


@given(st.text())
def test_what_is_harmless_stays_so(text: str) -> None:
    once = harmless(text)
    assert harmless(once) == once
    assert all(letter.isprintable() or ord(letter) > 127 for letter in once)
