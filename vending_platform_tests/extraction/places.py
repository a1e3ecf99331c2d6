"""A folder with the places of extractions, and what they have left in it."""

from collections.abc import Callable
from pathlib import Path

from vending_platform.catalog import Catalog, Source
from vending_platform.extraction import ExtractionPoint, Workplace
from vending_platform.ingestion import ingest
from vending_platform.storage import LocalPlace
from vending_platform_tests.ingestion.raw_folder import RawFolder


class ExtractionFolder:
    """What all kinds of systems have in tests."""

    folder: Path
    sources: tuple[Source, ...]
    on_point: Callable[[ExtractionPoint], None]

    @property
    def raw(self) -> Path:
        return self.folder / "sources"

    @property
    def place(self) -> Workplace:
        self.raw.mkdir(parents=True, exist_ok=True)
        return Workplace(
            raw=LocalPlace(self.raw),
            work=LocalPlace(self.folder / "work"),
            scratch=self.folder / "scratch",
            on_point=self.on_point,
        )

    def load(self) -> RawFolder:
        """What is delivered, loaded into a DuckDB."""
        loaded = RawFolder(self.folder, Catalog(self.sources))
        ingest(loaded.context)
        return loaded

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.raw).as_posix(): path.read_bytes()
            for path in sorted(self.raw.rglob("*"))
            if path.is_file()
        }
