"""An extraction of a web API that is killed anywhere leaves nothing half visible and loses nothing."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from vending_platform.extraction import ExtractionPoint
from vending_platform_tests.emulators.services import WeatherService
from vending_platform_tests.extraction.web.crashing import killed_at
from vending_platform_tests.extraction.web.parts import ExtractedApi, thing_source, weather_source

TIMES = {ExtractionPoint.OPENED: 1, ExtractionPoint.NOTED: 2}
"""How often an extraction comes past a point; four times if nothing else is said."""


@pytest.mark.parametrize("point", list(ExtractionPoint))
def test_killed_at_every_point(
    extracted: ExtractedApi, weather: WeatherService, tmp_path: Path, point: ExtractionPoint
) -> None:
    extracted.sources = (weather_source(days_at_once=5),)
    for times in (1, TIMES.get(point, 4)):
        killed_at(extracted, point, times)
        for path in extracted.raw.rglob("*.parquet"):
            pq.ParquetFile(path).read()
        extracted.days_pass(5)  # what was said early is corrected meanwhile
        weather.today = extracted.clock.today.date()
    extracted.extract()
    undisturbed = ExtractedApi(extracted.server, tmp_path / "other", extracted.sources, extracted.clock)
    undisturbed.extract()
    assert extracted.files() == undisturbed.files()
    assert len(extracted.files()) == 19
    assert extracted.one().files == 0
    assert not list(extracted.folder.rglob("*.tmp"))


@pytest.mark.parametrize("point", [ExtractionPoint.WRITTEN_ASIDE, ExtractionPoint.DELIVERED])
def test_a_list_that_is_killed(listed: ExtractedApi, point: ExtractionPoint) -> None:
    listed.sources = (thing_source(paging={"by": "cursor", "param": "after", "path": "meta.next"}),)
    killed_at(listed, point, 1)
    assert listed.one().problem is None
    assert len(listed.rows("things_20240310.parquet")) == 8
    assert listed.one().files == 0
