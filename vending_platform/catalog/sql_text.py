"""A model's or macro's text without what changes nothing: comments, and how it is laid out.

Jinja's own lexer takes the template apart. Between its tags the text is SQL, and is read on across them, so that a tag
inside quotes stays inside quotes. In doubt a difference counts: a day that is built again costs time, one that is not
is wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from jinja2 import Environment

_LEXER = Environment().lexer  # it only takes texts apart: nothing is rendered here
_SQL = re.compile(
    r"(?P<gap>(?:\s+|--[^\n]*\n|/\*.*?\*/)+)|(?P<opening>--|/\*|'(?![^']*')|\"(?![^\"]*\"))|'[^']*'|\"[^\"]*\"|\w+|.",
    re.DOTALL,
)
_ENDS = {"--": "\n", "/*": "*/", "'": "'", '"': '"'}
_COMMENTS = ("--", "/*")
_WORD = re.compile(r"[\w'\"]")


@dataclass(frozen=True)
class SqlText:
    words: str
    """The text without comments, in one layout."""
    variables: frozenset[str]
    """The vars that it reads by name."""
    reads_any_variable: bool
    """Whether it also reads vars whose names are known only when it runs."""


@dataclass
class _Words:
    """What was read so far, and inside what the text stands now."""

    said: list[str] = field(default_factory=list)
    inside: str = ""
    """The opening of the quotes or comment that have not ended yet."""
    is_kept: bool = True
    """Whether what stands inside counts. Of a comment it does from the first Jinja tag in it on: what that gives may
    end the comment."""
    has_gap: bool = False
    after_tag: bool = False

    def add(self, word: str) -> None:
        if self.has_gap and self.said and (self.after_tag or (_WORD.match(self.said[-1][-1]) and _WORD.match(word))):
            self.said.append(" ")
        self.said.append(word)
        self.has_gap = self.after_tag = False

    def add_tag(self, words: list[str]) -> None:
        if self.has_gap:
            self.said.append(" ")
        self.said.append(" ".join(words))
        self.has_gap, self.after_tag, self.is_kept = False, True, True

    def add_sql(self, text: str) -> None:
        """What lies between two tags."""
        if self.inside:
            text = self._rest_of_inside(text)
        for found in _SQL.finditer(text):
            if found["gap"]:
                self.has_gap = True
            elif opening := found["opening"]:
                self.inside, self.is_kept = opening, opening not in _COMMENTS
                if self.is_kept:
                    self.add(text[found.start() :])
                return  # it does not end before the next tag
            else:
                self.add(found[0])

    def _rest_of_inside(self, text: str) -> str:
        there, ending, rest = text.partition(_ENDS[self.inside])
        if self.is_kept:
            self.said.append(there + ending)
            self.has_gap = self.after_tag = False
        if ending:
            self.has_gap = self.has_gap or self.inside in _COMMENTS
            self.inside, self.is_kept = "", True
        return rest


@lru_cache(maxsize=1024)
def read_sql(text: str) -> SqlText:
    words, variables = _Words(), set[str]()
    for tag, sql in _tags_and_sql(text):
        if tag:
            words.add_tag(tag)
            variables.update(_variables_in(tag))
        words.add_sql(sql)
    return SqlText("".join(words.said), frozenset(variables - {""}), "" in variables)


def _tags_and_sql(text: str) -> Iterator[tuple[list[str], str]]:
    """By turns: the words of a Jinja tag, and the SQL after it."""
    tag: list[str] = []
    for _, kind, value in _LEXER.tokeniter(text, None):
        if kind == "data":
            yield [], value
        elif kind.startswith("raw_"):
            yield [kind], ""
        elif "comment" not in kind and kind not in ("whitespace", "linecomment"):
            # A minus takes blanks away, and the lexer has done so already.
            tag.append(value.strip().strip("-") if kind.endswith(("_begin", "_end")) else value)
            if kind in ("block_end", "variable_end"):
                yield tag, ""
                tag = []


def _variables_in(tag: list[str]) -> Iterator[str]:
    """The names of the vars that it reads; an empty one where only a run knows the name."""
    for number, word in enumerate(tag):
        if word != "var":
            continue
        call = tag[number + 1 : number + 5]
        if call[:2] == [".", "has_var"]:
            call = tag[number + 3 : number + 6]
        is_plain = len(call) > 2 and call[0] == "(" and call[1][0] in "'\"" and call[2] in (",", ")")
        yield call[1][1:-1] if is_plain else ""
