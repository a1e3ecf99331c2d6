"""A picture is an SVG that any browser draws, with a bar for each model and a line over the evenings."""

import re
from base64 import b64decode
from datetime import date
from xml.etree import ElementTree

import polars as pl

from vending_platform.analysis.forecasting import errors_shown

NUMBERS = ("wape", "mase", "pinball", "coverage", "bias")
EVENING = date(2024, 3, 10)


def row(
    model: str, wape: float | None, day: date = EVENING, level: str = "series", **more: object
) -> dict[str, object]:
    numbers = dict.fromkeys(NUMBERS, wape)
    rest = {"forecasts": 5, "newest_wape": wape, "is_used": wape is not None, "is_out_of_range": False, "note": ""}
    return {"forecast_on": day, "level": level, "model": model, "segment": "all", **numbers, **rest, **more}


def drawn(markdown: str) -> ElementTree.Element:
    found = re.search(r"base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found is not None
    return ElementTree.fromstring(b64decode(found[1]))


def elements(svg: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return svg.findall(f"{{http://www.w3.org/2000/svg}}{kind}")


def test_each_model_is_a_bar_and_a_line() -> None:
    now = pl.DataFrame(
        [
            row("weekday_mean", 0.4),
            row("combined", 0.2, newest_wape=None),
            row("combined", 0.1, level="group", newest_wape=None),
            row("smoothed", None, newest_wape=0.9, is_out_of_range=True, note="its error is 0.900 | too much"),
        ]
    )
    earlier = pl.DataFrame(
        [
            row(model, wape, date(2024, 3, day))
            for day in (8, 9)
            for model, wape in (("weekday_mean", 0.3), ("smoothed", 0.2))
        ]
    )
    shown = errors_shown(now, earlier)
    assert shown.figures["wape of each series"] == 0.2
    assert shown.figures["wape of whole groups"] == 0.1
    assert shown.figures["models left out of range"] == 1
    svg = drawn(shown.picture)
    widths = [float(bar.attrib["width"]) for bar in elements(svg, "rect")]
    assert len(widths) == 3, "a model that was not used has none"
    assert max(widths) == 2 * sorted(widths)[1] == 4 * min(widths)
    lines = elements(svg, "polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [3, 3]
    assert "| each series | smoothed |  |  |  |  |  | its error is 0.900 \\| too much |" in shown.picture


def test_the_first_evening_has_no_lines() -> None:
    now = pl.DataFrame([row("combined", 0.2)])
    assert elements(drawn(errors_shown(now, now.clear()).picture), "polyline") == []
