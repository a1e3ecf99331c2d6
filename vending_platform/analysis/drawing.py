"""A pipeline's graph as a picture: one SVG file, which any browser opens, in light or in dark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from vending_platform.analysis.pipeline import Pipeline
from vending_platform.analysis.results import Analysed

_WIDE, _HIGH, _BETWEEN_COLUMNS, _BETWEEN_ROWS, _MARGIN = 230, 46, 70, 22, 24
_STYLE = """
text{font:13px system-ui,sans-serif;fill:#1c2430}.kind{font-size:11px;fill:#5d6775}
rect{fill:#fff;stroke:#8a94a3;stroke-width:1.2}path{fill:none;stroke:#8a94a3;stroke-width:1.2}
.table rect{fill:#eef1f5}.part rect{stroke-dasharray:4 3}.delivered rect{stroke:#1f8a4c;stroke-width:2}
.failed rect{fill:#fdecec;stroke:#c62f2f;stroke-width:2}.missing rect{stroke:#c62f2f;stroke-dasharray:2 3}
@media(prefers-color-scheme:dark){text{fill:#e6eaf0}.kind{fill:#9aa5b4}rect{fill:#1b222c}.table rect{fill:#252e3a}
.failed rect{fill:#3a1f22}}
"""


@dataclass(frozen=True)
class _Box:
    name: str
    kind: str
    classes: str
    note: str
    x: int
    y: int


def draw(pipeline: Pipeline, done: Analysed | None = None) -> str:
    """Tables at the left, each function behind all that it takes; after a run also what was delivered and what not."""
    columns = _columns(pipeline)
    boxes = {
        name: _box(pipeline, name, done, column, row)
        for column, names in enumerate(columns)
        for row, name in enumerate(names)
    }
    lines = [
        _line(boxes[source], boxes[function.name])
        for function in pipeline.functions.values()
        for source in function.inputs
    ]
    width = 2 * _MARGIN + len(columns) * _WIDE + (len(columns) - 1) * _BETWEEN_COLUMNS
    height = 2 * _MARGIN + max(map(len, columns)) * (_HIGH + _BETWEEN_ROWS) - _BETWEEN_ROWS
    drawn = "\n".join([*lines, *map(_drawn, boxes.values())])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="The functions of {escape(pipeline.name)}">\n'
        f"<style>{_STYLE}</style>\n{drawn}\n</svg>\n"
    )


def _columns(pipeline: Pipeline) -> list[list[str]]:
    depths: dict[str, int] = dict.fromkeys(pipeline.tables, 0)
    for function in pipeline.functions.values():  # each after those that it needs
        depths[function.name] = 1 + max((depths[name] for name in function.inputs), default=0)
    columns: list[list[str]] = [[] for _ in range(max(depths.values()) + 1)]
    for name, depth in depths.items():
        columns[depth].append(name)
    return [_ordered(pipeline, column, columns[number - 1] if number else []) for number, column in enumerate(columns)]


def _ordered(pipeline: Pipeline, names: Sequence[str], before: Sequence[str]) -> list[str]:
    """Beside what they take, so that lines cross less."""
    places: Mapping[str, int] = {name: place for place, name in enumerate(before)}

    def height(name: str) -> tuple[float, str]:
        function = pipeline.functions.get(name)
        found = [places[one] for one in (function.inputs if function else ()) if one in places]
        return (sum(found) / len(found) if found else 0.0), name

    return sorted(names, key=height)


def _box(pipeline: Pipeline, name: str, done: Analysed | None, column: int, row: int) -> _Box:
    function = pipeline.functions.get(name)
    kind = "table" if function is None else "result" if function.is_result else "part"
    state = _state(name, done) if function is not None else ""
    checks = f", {len(function.checks)} checks" if function is not None and function.checks else ""
    return _Box(
        name=name,
        kind=f"{kind}{checks}{f', {state}' if state else ''}",
        classes=f"{kind} {state}".strip(),
        note=function.description if function is not None else "an input",
        x=_MARGIN + column * (_WIDE + _BETWEEN_COLUMNS),
        y=_MARGIN + row * (_HIGH + _BETWEEN_ROWS),
    )


def _state(name: str, done: Analysed | None) -> str:
    if done is None:
        return ""
    if name in done.results:
        return "delivered"
    missing = {one.function: one for one in done.missing}
    return "" if name not in missing else "missing" if missing[name].because_of else "failed"


def _line(source: _Box, target: _Box) -> str:
    x, y, end_x, end_y = source.x + _WIDE, source.y + _HIGH // 2, target.x, target.y + _HIGH // 2
    bend = (end_x - x) // 2
    return f'<path d="M{x} {y}C{x + bend} {y} {end_x - bend} {end_y} {end_x} {end_y}"/>'


def _drawn(box: _Box) -> str:
    return (
        f'<g class="{box.classes}"><title>{escape(box.note)}</title>'
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDE}" height="{_HIGH}" rx="6"/>'
        f'<text x="{box.x + 12}" y="{box.y + 20}">{escape(box.name)}</text>'
        f'<text class="kind" x="{box.x + 12}" y="{box.y + 36}">{escape(box.kind)}</text></g>'
    )
