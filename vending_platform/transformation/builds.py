"""What was built, compared with what there is now: which builds are of other code or of other deliveries."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from vending_platform.catalog import Model
from vending_platform.ledger import UNFINISHED, Build, change_codes, known_codes, read_builds_table
from vending_platform.transformation.staleness import OTHER_CODE, Built
from vending_platform.warehouse import Change, Reader, values_of


@dataclass(frozen=True)
class Builds:
    versions: Built
    codes: Mapping[Build, str | None]
    rows: Mapping[Build, int | None]

    def outdated(self, models: Iterable[Model]) -> set[Build]:
        """What was built well, but by other code than there is now."""
        code = {model.name: model.code for model in models}
        return {
            build
            for build, version in self.versions.items()
            if version != UNFINISHED and build[0] in code and self.codes[build] != code[build[0]]
        }

    def against(self, models: Iterable[Model], counting: Set[str]) -> dict[Build, str]:
        """What was built, to be compared with what there is now: the code of the models in `counting` counts, and of
        all others their deliveries alone."""
        models = list(models)
        without_deliveries = {model.name: model.code for model in models if model.is_view or model.is_seed}
        outdated = {
            build: OTHER_CODE if build[0] in counting else without_deliveries.get(build[0], self.versions[build])
            for build in self.outdated(models)
        }
        return {**self.versions, **outdated}


def read_builds(reader: Reader) -> Builds:
    found = read_builds_table(reader)
    versions: dict[Build, str] = {}
    codes: dict[Build, str | None] = {}
    rows: dict[Build, int | None] = {}
    for model, day, version, passed, code, count in zip(*map(values_of, found.columns), strict=True):
        build = (model, day)
        versions[build], codes[build], rows[build] = version if passed else UNFINISHED, code, count
    return Builds(versions, codes, rows)


def note_codes(reader: Reader, models: Iterable[Model], builds: Builds) -> list[Change]:
    """To be noted before anything is built by the code of these models; code that nothing rests on is removed."""
    known = known_codes(reader)
    now = {model.code: dict(model.parts) for model in models}
    new = {code: now[code] for code in now.keys() - known}
    gone = known - now.keys() - set(builds.codes.values())
    return [change_codes(new, gone)] if new or gone else []
