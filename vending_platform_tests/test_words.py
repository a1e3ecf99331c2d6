"""The platform knows no domain: what a domain is about stands in its dbt project, and in no line of the platform."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import vending_platform

PACKAGE = Path(vending_platform.__file__).parent
DOMAIN = re.compile(r"(?<![a-z])(machine|slot|route|product|sale|vend)s?(?![a-z])", re.IGNORECASE)
READ = (".py", ".sql", ".yml", ".yaml", ".html", ".txt", ".md", ".css", ".js")
TENANTS = ("defs/", "service/")
"""Where a domain's own Python and its own pages live."""
ALLOWED = (
    "@dataclass(frozen=True, slots=True)",
    "this machine",
    "one machine",
    "one of its machines",
    "for machines",
    "machine:",  # of doctor, whose checks of the computer are a module of that name
    "machine.",
    "import cloud, machine",
    "of the container or the machine",
    "vending-machine deliveries",
    "_THIS_MACHINE",
    '"machine", "sender"',  # a column of the oldest ledgers, and what it is called now
    '"machine_column"',  # as hashes of contracts have called the sender's column since the oldest ledger
)
"""What is a word of computers and not of vending."""
GENERATE = "def generate("
"""The terminal's `vending generate` calls the fleet simulator, whose options are a fleet's."""


def lines() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(PACKAGE).as_posix()
        if path.suffix in READ and not name.startswith(TENANTS):
            text = path.read_text(encoding="utf-8")
            if GENERATE in text:
                before, _, rest = text.partition(GENERATE)
                text = before + rest.partition("\n\n\n")[2]
            yield from ((name, line.strip()) for line in text.splitlines())


def test_no_line_of_the_platform_has_a_word_of_a_domain() -> None:
    found = [f"{name}: {line}" for name, line in lines() if is_of_a_domain(line)]
    assert found == []


def is_of_a_domain(line: str) -> bool:
    for allowed in ALLOWED:
        line = line.replace(allowed, "")
    return DOMAIN.search(line) is not None


def test_a_word_of_a_domain_would_be_found() -> None:
    assert is_of_a_domain('"machine": "machine_id"')
    assert is_of_a_domain("a slot of a Machine")
    assert is_of_a_domain("sender.route_id")
    assert is_of_a_domain("fct_sales")
    assert not is_of_a_domain("@dataclass(frozen=True, slots=True)")
    assert not is_of_a_domain("in production, salesforce, a router, vending_platform")


def test_nothing_is_allowed_that_no_line_needs() -> None:
    text = "\n".join(line for _, line in lines())
    assert [words for words in ALLOWED if words not in text] == []


def test_no_two_classes_have_one_name() -> None:
    """A word means one thing in the whole tree."""
    where: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            where[name].append(path.relative_to(PACKAGE).as_posix())
    assert len(where) > 100
    assert {name: files for name, files in where.items() if len(files) > 1} == {}
