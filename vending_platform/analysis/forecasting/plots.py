"""How right past forecasts were, as figures and as a picture: a bar per model, a line per model over the evenings, and
the numbers below."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape

import polars as pl

from vending_platform.analysis.forecasting.engine import BOOSTED, COMBINED
from vending_platform.analysis.results import ShownResult

_COLORS = ("#7a8594", "#b8860b", "#1f8a4c", "#8e44ad", "#2f7ed8")
_WIDTH, _ROW, _LEFT, _LINES_HIGH = 640, 22, 190, 150
_STYLE = "text{font:12px system-ui,sans-serif;fill:#5d6775}.name{fill:#8a94a3}.axis{stroke:#c3c9d2}"
_NAMES = {"series": "each series", "group": "whole groups"}
_FIGURES = ("wape", "mase", "pinball", "coverage", "bias")


def errors_shown(errors: pl.DataFrame, earlier: pl.DataFrame) -> ShownResult:
    """`errors` is a run's table of errors, `earlier` its rows of earlier evenings."""
    rows = errors.filter(pl.col("segment") == "all").sort("level", "model")
    used = rows.filter(pl.col("is_used"))
    delivered = used.filter(pl.col("model") == COMBINED).iter_rows(named=True)
    figures = {
        f"{name} of {_NAMES[row['level']]}": float(row[name])
        for row in delivered
        for name in _FIGURES
        if row[name] is not None
    }
    evenings = pl.concat([earlier.select(_OF_EVENINGS), errors.select(_OF_EVENINGS)], how="vertical_relaxed").filter(
        (pl.col("level") == "series") & (pl.col("segment") == "all") & pl.col("newest_wape").is_not_null()
    )
    drawn = _svg(used, evenings.sort("forecast_on", "model"))
    image = f"data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}"
    return ShownResult(
        figures | {"models left out of range": float(errors["is_out_of_range"].sum())},
        f"![Errors of past forecasts, by model]({image})\n\n{_table(rows)}",
    )


_OF_EVENINGS = ("forecast_on", "level", "model", "segment", "newest_wape")


def _table(rows: pl.DataFrame) -> str:
    lines = ["| of | model | WAPE | MASE | pinball | covered | bias | |", "|---|---|---|---|---|---|---|---|"]
    for row in rows.iter_rows(named=True):
        numbers = ["" if row[name] is None else f"{row[name]:.3f}" for name in _FIGURES]
        note = str(row["note"]).replace("|", "\\|")
        lines.append(f"| {_NAMES[row['level']]} | {row['model']} | {' | '.join(numbers)} | {note} |")
    return "\n".join(lines)


def _svg(used: pl.DataFrame, evenings: pl.DataFrame) -> str:
    bars = list(_bars(used))
    top = 34 + _ROW * used.height
    lines = list(_evening_lines(evenings, top + 40)) if evenings["forecast_on"].n_unique() > 1 else []
    height = top + (_LINES_HIGH + 70 if lines else 10)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
        f' role="img"><style>{_STYLE}</style>'
        '<text x="0" y="18">WAPE of past forecasts: absolute errors by what happened</text>'
        f"{''.join(bars)}{''.join(lines)}</svg>"
    )


def _largest(errors: pl.Series) -> float:
    """The end of a scale, which has a length also where every forecast was right, or none was known."""
    return max(filter(None, errors), default=1.0)


def _bars(used: pl.DataFrame) -> Iterator[str]:
    most = _largest(used["wape"])
    for number, row in enumerate(used.iter_rows(named=True)):
        y, wide = 30 + number * _ROW, (row["wape"] or 0.0) / most * (_WIDTH - _LEFT - 60)
        yield (
            f'<text class="name" x="0" y="{y + 14}">{escape(row["model"])}, {_NAMES[row["level"]]}</text>'
            f'<rect x="{_LEFT}" y="{y + 3}" width="{wide:.1f}" height="14" fill="{_color(row["model"])}"/>'
            f'<text x="{_LEFT + wide + 6:.1f}" y="{y + 14}">{row["wape"] or 0.0:.3f}</text>'
        )


def _evening_lines(evenings: pl.DataFrame, top: int) -> Iterator[str]:
    """The error for the newest days that were known on each evening: what decides whether a model is left out."""
    days = evenings["forecast_on"].unique().sort().to_list()
    most = _largest(evenings["newest_wape"])
    bottom = top + _LINES_HIGH
    yield f'<text x="0" y="{top - 14}">WAPE of the newest known days, evening by evening</text>'
    yield f'<path class="axis" d="M40 {top}V{bottom}H{_WIDTH - 120}" fill="none"/>'
    yield f'<text x="0" y="{top + 10}">{most:.2f}</text><text x="0" y="{bottom}">0</text>'
    yield f'<text x="40" y="{bottom + 16}">{days[0]}</text><text x="{_WIDTH - 190}" y="{bottom + 16}">{days[-1]}</text>'

    def at(row: dict[str, object]) -> tuple[float, float]:
        x = 40 + days.index(row["forecast_on"]) / (len(days) - 1) * (_WIDTH - 160)
        return x, bottom - float(str(row["newest_wape"])) / most * _LINES_HIGH

    for number, ((model,), of_model) in enumerate(evenings.group_by("model", maintain_order=True)):
        points = [at(row) for row in of_model.iter_rows(named=True)]
        yield _line(str(model), points, top + 14 * (number + 1))


def _line(model: str, points: Sequence[tuple[float, float]], label_y: int) -> str:
    path, color = " ".join(f"{x:.1f},{y:.1f}" for x, y in points), _color(model)
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        f'<text x="{_WIDTH - 110}" y="{label_y}" style="fill:{color}">{escape(model)}</text>'
    )


def _color(model: str) -> str:
    known = ("weekday_mean", "smoothed", "pooled", BOOSTED, COMBINED)
    return _COLORS[known.index(model) if model in known else 0]
