"""pyiceberg's files in a `Place`: metadata goes where all files go, with the same credentials and encryption.

Only metadata passes here, a few megabytes at most. Data files are DuckDB's business.
"""

import io
from types import TracebackType
from typing import Any

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream

from vending_platform.lake.errors import LakeUnavailable
from vending_platform.storage import Place

PLACE, LOCATION = "vending.place", "vending.location"
"""Properties of the catalog, by which pyiceberg hands these to the class that it makes itself."""


class PlaceFileIO(FileIO):
    """All files are below the location of the place."""

    def __init__(self, properties: dict[str, Any]) -> None:
        super().__init__(properties)
        self._place: Place = properties[PLACE]
        self._location: str = properties[LOCATION]

    def new_input(self, location: str) -> InputFile:
        return PlaceInput(location, self._place, self._path(location))

    def new_output(self, location: str) -> OutputFile:
        return PlaceOutput(location, self._place, self._path(location))

    def delete(self, location: str | InputFile | OutputFile) -> None:
        self._place.delete(self._path(location if isinstance(location, str) else location.location))

    def _path(self, location: str) -> str:
        return path_below(self._location, location)


def path_below(location: str, file: str) -> str:
    """The path of a file in the place at `location`."""
    path = file.removeprefix(f"{location}/")
    if path == file:
        raise LakeUnavailable(
            f"{file} is not below {location}: the lake was moved or copied, and its files name where they were; remove "
            "that folder, and the next run writes the lake again"
        )
    return path


class PlaceInput(InputFile):
    def __init__(self, location: str, place: Place, path: str) -> None:
        super().__init__(location)
        self._place, self._path = place, path

    def __len__(self) -> int:
        return len(self._read())

    def exists(self) -> bool:
        return self._place.has(self._path)

    def open(self, seekable: bool = True) -> InputStream:
        return io.BytesIO(self._read())

    def _read(self) -> bytes:
        try:
            return b"".join(self._place.read_path(self._path))
        except KeyError:
            raise FileNotFoundError(f"{self.location} does not exist") from None


class PlaceOutput(OutputFile):
    def __init__(self, location: str, place: Place, path: str) -> None:
        super().__init__(location)
        self._place, self._path = place, path

    def __len__(self) -> int:
        return len(self.to_input_file())

    def exists(self) -> bool:
        return self._place.has(self._path)

    def to_input_file(self) -> InputFile:
        return PlaceInput(self.location, self._place, self._path)

    def create(self, overwrite: bool = False) -> OutputStream:
        return _Written(self._place, self._path)


class _Written(io.BytesIO):
    """Written as one file when it is closed, unless what makes its content failed."""

    def __init__(self, place: Place, path: str) -> None:
        super().__init__()
        self._place, self._path = place, path
        self._is_failed = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_failed = kind is not None
        super().__exit__(kind, error, trace)

    def close(self) -> None:
        if not self.closed and not self._is_failed:
            self._place.write(self._path, self.getvalue())
        super().close()
