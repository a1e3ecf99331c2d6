"""Deliveries go from one place to another without the people in them: all that can, told of all that can't, once."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.anonymising import Anonymised, AnonymisingError, anonymise, running
from vending_platform.catalog import Catalog
from vending_platform.environment import PROJECT_DIR
from vending_platform.ingestion import Selection
from vending_platform.pseudonyms import fold, without_gaps
from vending_platform.storage import LocalPlace, StoredFile, Unreadable
from vending_platform_tests.anonymising.contracts import PSEUDONYMS, catalog, column, staff
from vending_platform_tests.ingestion.raw_folder import RawFolder
from vending_platform_tests.properties import examples
from vending_platform_tests.storage.memory import MemoryPlace

NOW = datetime(2024, 3, 20, tzinfo=UTC)
STAFF = "id,name,branch\nS0001,髙﨑 洋吾,千葉\nS0002,佐藤　佐恵,東京\n".encode()
VISITS = "visit,staff,note\n1,S0001,\n2,Ｓ０００２,夜\n3,S0001,".encode("cp932")
PLACES = "place,title\n1,駅前\n2,市役所\n".encode("cp932")
FILES = {"staff.csv": STAFF, "visits_VM001_20240305.csv": VISITS, "places.csv": PLACES}
ONE, TWO, NAME_OF_ONE, NAME_OF_TWO = map(PSEUDONYMS.of, ("S0001", "S0002", "髙﨑洋吾", "佐藤佐恵"))


def run(files: dict[str, bytes], target: MemoryPlace | None = None, **options: Any) -> tuple[Anonymised, MemoryPlace]:
    target = target if target is not None else MemoryPlace()
    contracts = options.pop("contracts", catalog())
    return anonymise(contracts, MemoryPlace(files), target, PSEUDONYMS, now=NOW, **options), target


def reasons(result: Anonymised) -> dict[str, str]:
    return {file.path: file.reason for file in result.left_out}


def test_a_person_is_the_same_in_every_file_and_all_else_stays_byte_for_byte() -> None:
    result, target = run(FILES)
    assert target.contents == {
        "staff.csv": f"id,name,branch\n{ONE},{NAME_OF_ONE},千葉\n{TWO},{NAME_OF_TWO},東京\n".encode(),
        "visits_VM001_20240305.csv": f"visit,staff,note\n1,{ONE},\n2,{TWO},夜\n3,{ONE},".encode("cp932"),
        "places.csv": PLACES,
    }
    assert result == Anonymised(files=3, written=3, people=4)


def test_a_second_time_nothing_is_written_and_a_correction_is() -> None:
    _, target = run(FILES)

    class Watched(MemoryPlace):
        def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
            written.append(path)
            super().write(path, content)

    written: list[str] = []
    watched = Watched(target.contents)
    assert run(FILES, watched)[0] == Anonymised(files=3, unchanged=3, people=4)
    assert written == []
    result, _ = run(FILES | {"places.csv": PLACES.replace(b"1", b"7")}, watched)
    assert (result.written, result.unchanged, written) == (1, 2, ["places.csv"])


def test_a_dry_run_tells_the_same_and_writes_nothing() -> None:
    files = FILES | {"unknown.csv": b""}
    dry, target = run(files, dry_run=True)
    assert target.contents == {}
    assert dry == run(files)[0]


def test_days_and_sources_are_chosen_and_people_are_known_from_every_master() -> None:
    other_day = {"visits_VM001_20240306.csv": VISITS, "staff_20240101.csv": STAFF.replace(b"S0001", b"S0009")}
    days = Selection(first_day=date(2024, 3, 6), last_day=date(2024, 3, 6))
    assert set(run(FILES | other_day, selection=days)[1].contents) == {
        "visits_VM001_20240306.csv",
        "staff.csv",
        "places.csv",
    }
    with_a_name = FILES | {"places.csv": "place,title\n1,佐藤佐恵様宅前\n".encode()}
    result, target = run(with_a_name, selection=Selection(sources=frozenset({"places"})))
    assert target.contents == {}
    assert reasons(result) == {"places.csv": "line 2 has, outside of personal columns, a personal value of staff.name"}


LEFT_OUT = {
    "unknown.csv": (b"S0001", "no contract takes this name"),
    "visits_VM001_20240399.csv": (VISITS, "20240399 in the name is not a valid date"),
    "visits_VM001_20240401.csv": (VISITS, "its day 2024-04-01 is in the future"),
    "visits_VM002_20240305.csv": (b'visit,staff,note\n1,"S0001,\n', "quotes can't be followed"),
    "visits_VM003_20240305.csv": (b"visit,staff,note,memo\n1,S0001,,Rika\n", "column 4 of its header is not declared"),
    "visits_VM004_20240305.csv": (b"visit,staff,note\n1,S0001,\x81\n", "can't be decoded"),
    "visits_VM005_20240305.csv": (b"visit,staff,note\nS0001,\n", "too few fields"),
    "visits_VM006_20240305.csv": (b"visit,staff,note\n1,S0002,by S0001\n", "line 2 has.* a personal value of staff.id"),
    "S0001/visits_VM007_20240305.csv": (VISITS, "its path has a personal value of staff.id"),
    "../visits_VM008_20240305.csv": (VISITS, "its path can't be used at the target"),
}


def test_what_cannot_be_told_to_hold_nobody_is_left_out_with_the_reason_and_stops_nothing_else() -> None:
    result, target = run(FILES | {path: content for path, (content, _) in LEFT_OUT.items()})
    assert set(target.contents) == set(FILES)
    told = reasons(result)
    assert set(told) == set(LEFT_OUT)
    for path, (_, why) in LEFT_OUT.items():
        assert re.search(why, told[path]), (path, told[path])
    assert not any(word in "".join(told.values()) for word in ("Rika", "S0001", "髙﨑"))


def test_a_source_whose_contract_takes_no_pseudonym_is_left_out() -> None:
    born = staff(column("id", required=True), column("born", type="date", personal=True))
    result, target = run({"staff.csv": b"id,born\n1,1990-01-01\n"}, contracts=Catalog((born,)))
    assert target.contents == {}
    assert "no pseudonym fits into born" in reasons(result)["staff.csv"]


def test_people_of_a_master_that_cannot_be_used_are_looked_for_all_the_same() -> None:
    broken = "id,name,branch\nS0001,髙﨑 洋吾,千葉\nS0002,佐藤 佐恵\n".encode()
    files = FILES | {"staff.csv": broken, "places.csv": "place,title\n1,佐藤佐恵様宅前\n".encode()}
    result, target = run(files)
    assert set(target.contents) == {"visits_VM001_20240305.csv"}
    assert "staff, in a row out of order" in reasons(result)["places.csv"]


def test_an_earlier_copy_of_what_is_left_out_now_is_told_and_left_alone() -> None:
    _, target = run(FILES)
    before = dict(target.contents)
    result, _ = run(FILES | {"visits_VM001_20240305.csv": b"visit,staff\n1\n"}, target)
    assert [(file.path, file.is_still_there) for file in result.left_out] == [("visits_VM001_20240305.csv", True)]
    assert target.contents == before


class Denying(MemoryPlace):
    def read_many(self, files: Iterable[StoredFile]) -> Iterator[bytes | Unreadable]:
        for file in files:
            yield Unreadable("denied") if "denied" in file.path else self.contents[file.path]


def test_a_file_that_cannot_be_read_is_left_out_but_without_a_master_nobody_knows_whom_to_look_for() -> None:
    def copy(path: str) -> tuple[Anonymised, MemoryPlace]:
        target = MemoryPlace()
        raw = Denying(FILES | {path: STAFF})
        return anonymise(catalog(), raw, target, PSEUDONYMS, now=NOW), target

    result, target = copy("denied/visits_VM001_20240305.csv")
    assert (reasons(result), set(target.contents)) == ({"denied/visits_VM001_20240305.csv": "denied"}, set(FILES))
    with pytest.raises(AnonymisingError, match=r"denied/staff\.csv can't be read \(denied\).*nothing was copied"):
        copy("denied/staff.csv")


def test_the_masters_are_written_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Of two versions the younger one is current, and the copies must say so too."""
    names = ["staff_20240103.csv", "staff.csv", "staff_20240101.csv"]

    class Young(MemoryPlace):
        def named(self, paths: Iterable[str]) -> Iterator[StoredFile]:
            for file in super().named(paths):
                yield file._replace(modified_at=self.modified_at + timedelta(seconds=names.index(file.path)))

    target = LocalPlace(tmp_path)
    anonymise(catalog(), Young(dict.fromkeys(sorted(names), STAFF)), target, PSEUDONYMS, now=NOW)
    assert [file.path for file in sorted(target.files(), key=lambda file: file.modified_at)] == names


def test_large_files_give_the_same_and_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    files = FILES | {"visits_VM002_20240305.csv": b"visit,staff,note\n1,S0002,by S0001\n"}
    expected = run(files)
    monkeypatch.setattr(running, "SMALL", 10)
    told: list[tuple[int, int]] = []
    result, target = run(files, on_progress=lambda done, total: told.append((done, total)))
    assert (result, target.contents) == (expected[0], expected[1].contents)
    assert run(files, target)[0].unchanged == 3
    assert told[0][0] == 0
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


def test_a_run_that_is_stopped_leaves_whole_files_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SMALL", 10)  # a batch for each file

    class Stopped(MemoryPlace):
        def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
            if len(self.contents) == 2:
                raise KeyboardInterrupt
            super().write(path, content)

    target = Stopped()
    with pytest.raises(KeyboardInterrupt):
        run(FILES, target)
    whole = run(FILES)[1].contents
    assert len(target.contents) == 2
    assert target.contents.items() <= whole.items()
    result, finished = run(FILES, MemoryPlace(target.contents))
    assert (result.written, result.unchanged, finished.contents) == (1, 2, whole)


PERSON = st.text("佐藤髙﨑ｱｻﾋソポYamadTro ", min_size=5, max_size=9).map(str.strip)
CELL = st.text('佐藤 xソ"\n', max_size=4)


@examples(60)
@given(st.data())
def test_nobody_is_found_in_whatever_is_copied(data: st.DataObject) -> None:
    people = data.draw(st.lists(PERSON, min_size=1, max_size=3))
    # A cell is anything, and now and then somebody is in it who has no business there.
    cell = st.one_of(CELL, st.builds("{}{}{}".format, CELL, st.sampled_from(people), CELL))

    def file(header: str, *columns: st.SearchStrategy[str]) -> bytes:
        rows = data.draw(st.lists(st.tuples(*columns), max_size=3))
        if "name" in header:
            rows += [("S0001", person, "") for person in people]
        lines = [",".join('"' + field.replace('"', '""') + '"' for field in row) for row in rows]
        broken = data.draw(st.sampled_from(["", "", "", "1,2\n", '"', "1,2,3,4\n"]))
        text = header + "\n" + "".join(line + "\n" for line in lines) + broken
        return text.encode(data.draw(st.sampled_from(["utf-8", "utf-8-sig", "cp932"])))

    _, target = run(
        {
            "staff.csv": file("id,name,branch", st.just("S0002"), st.sampled_from(people), cell),
            "visits_VM001_20240305.csv": file("staff,visit,note", st.sampled_from(people), CELL, cell),
            "places.csv": file("place,title", CELL, cell),
        }
    )
    for path, content in target.contents.items():
        for encoding in ("utf-8", "cp932"):
            read = without_gaps(fold(content.decode(encoding, "replace")))
            for person in people:
                name = without_gaps(fold(person))
                if not name.isascii() or len(name) >= 8:
                    assert name not in read, (path, person)


def test_the_sample_gives_the_same_rows_but_for_its_people(tmp_path: Path, catalog: Catalog) -> None:
    sample = RawFolder(tmp_path / "sample", catalog)
    sample.deliver(
        {
            path.name: path.read_bytes()
            for path in (PROJECT_DIR / "data" / "sources").iterdir()
            if path.is_file() and ("VM" not in path.name or any(machine in path.name for machine in ("VM003", "VM008")))
        }
    )
    copy = RawFolder(tmp_path / "copy", catalog)
    copy.sources.mkdir(parents=True)
    result = anonymise(catalog, LocalPlace(sample.sources), LocalPlace(copy.sources), PSEUDONYMS, now=NOW)
    left_out = {file.path for file in result.left_out}
    assert (result.people, result.too_short, len(left_out)) == (4, 0, 3)
    sample.remove(*left_out)

    raw, delivered = {}, [source for source in catalog if ".vending.vending." in source.unique_id]
    for raw_folder in (sample, copy):
        raw_folder.ingest()
        for source in delivered:
            personal = {c.name for c in source.columns if c.personal}
            columns = ", ".join(
                f"case when {c.name} is null then null else 'somebody' end" if c.name in personal else c.name
                for c in source.columns
            )
            found = raw_folder.rows(f"select _line, _business_date, {columns} from raw.{source.name}")
            raw[raw_folder.folder.name, source.name] = sorted(repr(row) for row in found)
        rejected = raw_folder.rows("select source, line, column_name, reason from raw._rejected_rows")
        raw[raw_folder.folder.name, "rejected"] = sorted(map(repr, rejected))
    for table in (*(source.name for source in delivered), "rejected"):
        assert raw["copy", table] == raw["sample", table], table
        assert raw["copy", table], f"the sample has nothing for {table}"

    came = copy.rows("select distinct staff_id from raw.replenishment_records")
    staff_ids = {row["staff_id"] for row in copy.rows("select staff_id from raw.staff")}
    assert {row["staff_id"] for row in came} <= staff_ids
    everything = b"".join(path.read_bytes() for path in copy.sources.rglob("*") if path.is_file())
    for row in sample.rows("select staff_id, staff_name from raw.staff"):
        for value in row.values():
            assert value.encode() not in everything
            assert value.encode("cp932") not in everything
