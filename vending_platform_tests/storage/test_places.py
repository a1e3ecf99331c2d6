"""A place behaves the same on a disk and in a bucket; a disk has odder names."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest

from vending_platform.environment import Places
from vending_platform.storage import LocalPlace, Place, StoredFile, Unreadable, open_storage

CHUNK = 8 * 1024 * 1024


def folder_of(place: Place) -> Path:
    assert isinstance(place, LocalPlace)
    return place.folder


def names(place: Place, prefix: str = "") -> list[str]:
    return sorted(file.path for file in place.files(prefix))


def read(place: Place, file: StoredFile) -> bytes:
    return b"".join(place.chunks(file))


def the_file(place: Place, path: str = "a.csv") -> StoredFile:
    return next(file for file in place.files() if file.path == path)


def test_what_is_written_is_listed_wherever_it_lies_and_read_back(place: Place) -> None:
    contents = {"flat.csv": b"1", "raw/sales/2024/deep.csv": b"22", "raw2/near.csv": b"333", "売上 1日.csv": b""}
    for path, content in contents.items():
        place.write(path, content)
    files = list(place.files())
    assert {file.path: read(place, file) for file in files} == contents
    assert {file.path: file.size for file in files} == {path: len(content) for path, content in contents.items()}
    now = datetime.now(UTC)
    assert all(now - timedelta(minutes=5) < file.modified_at <= now + timedelta(seconds=1) for file in files)


def test_who_may_read_a_written_file_is_said_by_the_umask(disk: Place) -> None:
    before = os.umask(0o027)
    try:
        disk.write("a.csv", b"one")
    finally:
        os.umask(before)
    assert (folder_of(disk) / "a.csv").stat().st_mode & 0o777 == 0o640


def test_a_folder_is_listed_without_its_neighbours(place: Place) -> None:
    for path in ("a.csv", "raw/a.csv", "raw/b/c.csv", "raw2/d.csv"):
        place.write(path, b"x")
    assert names(place, "raw/") == ["raw/a.csv", "raw/b/c.csv"]
    assert names(place, "raw/b/") == ["raw/b/c.csv"]
    assert names(place, "nowhere/") == []
    assert names(place) == ["a.csv", "raw/a.csv", "raw/b/c.csv", "raw2/d.csv"]
    assert all(sorted(place.paths(below)) == names(place, below) for below in ("raw/", "raw/b/", "nowhere/", ""))


def test_a_large_file_is_read_whole(place: Place) -> None:
    content = os.urandom(CHUNK) + b"the rest"
    place.write("a.csv", content)
    assert read(place, the_file(place)) == content


def test_a_large_file_is_never_in_memory_as_a_whole(place: Place) -> None:
    place.write("a.csv", bytes(CHUNK + 1))
    assert [len(chunk) for chunk in place.chunks(the_file(place))] == [CHUNK, 1]
    assert [len(chunk) for chunk in place.read_path("a.csv")] == [CHUNK, 1]


def test_a_file_as_large_as_a_piece_and_an_empty_one_are_read_whole(place: Place) -> None:
    for path, content in {"full.csv": bytes(CHUNK), "empty.csv": b""}.items():
        place.write(path, content)
        assert read(place, the_file(place, path)) == content
        assert b"".join(place.read_path(path)) == content


def test_many_files_are_read_in_order_and_one_that_is_gone_stops_no_other(place: Place) -> None:
    for number in range(40):
        place.write(f"{number:02}.csv", b"%d" % number)
    listed = sorted(place.files(), key=lambda file: file.path)
    place.delete("07.csv")
    read = list(place.read_many(listed))
    assert isinstance(read[7], Unreadable)
    assert str(read[7]) == "it was deleted while this run was reading"
    assert read[:7] + read[8:] == [b"%d" % number for number in range(40) if number != 7]


@pytest.mark.parametrize("content", [b"two", b"longer than one"], ids=["same size", "another size"])
def test_a_file_that_changed_since_it_was_listed_is_not_taken_for_what_it_was(place: Place, content: bytes) -> None:
    place.write("a.csv", b"one")
    listed = the_file(place)
    place.write("a.csv", content)
    with pytest.raises(Unreadable, match="still being written"):
        read(place, listed)
    assert read(place, the_file(place)) == content


def test_writing_takes_the_old_files_place_whole_or_not_at_all(place: Place) -> None:
    def interrupted() -> Iterator[bytes]:
        yield b"x" * CHUNK
        yield b"x" * CHUNK
        raise KeyboardInterrupt

    place.write("a.csv", b"old")
    before = the_file(place)
    with pytest.raises(KeyboardInterrupt):
        place.write("a.csv", interrupted())
    assert list(place.files()) == [before]
    assert read(place, before) == b"old"


def test_content_may_come_in_pieces(place: Place) -> None:
    place.write("a.csv", (piece for piece in (b"in ", b"", b"pieces")))
    assert b"".join(place.read_path("a.csv")) == b"in pieces"


def test_what_is_deleted_is_gone(place: Place) -> None:
    place.write("kept/a.csv", b"x")
    assert place.has("kept/a.csv")
    place.delete("kept/a.csv")
    assert not place.has("kept/a.csv")
    assert names(place) == []
    with pytest.raises(KeyError, match=r"kept/a\.csv"):
        b"".join(place.read_path("kept/a.csv"))


def test_of_several_that_create_a_file_one_does(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda number: place.create("once/a.json", b"%d" % number), range(8)))
    assert created.count(True) == 1
    assert b"".join(place.read_path("once/a.json")) == b"%d" % created.index(True)
    assert names(place) == ["once/a.json"], "nothing is left of the others"
    place.delete("once/a.json")
    assert place.create("once/a.json", b"again")


def test_a_span_is_the_same_bytes_of_the_file(place: Place) -> None:
    content = b"0123456789" * (CHUNK // 10 + 3)
    place.write("a.bin", content)
    for start, end in ((0, len(content)), (3, 7), (CHUNK - 2, CHUNK + 2), (len(content) - 1, len(content))):
        assert b"".join(place.read_span("a.bin", start, end)) == content[start:end]
    with pytest.raises(KeyError, match="gone"):
        b"".join(place.read_span("gone.bin", 0, 1))


def test_a_link_is_for_whoever_has_it_and_only_where_there_are_links(disk: Place, bucket: Place) -> None:
    for place in (disk, bucket):
        place.write("a.csv", b"content")
    assert disk.link("a.csv", 60) is None
    link = bucket.link("a.csv", 60)
    assert link is not None
    assert "Expires" in link
    with urlopen(link, timeout=60) as answer:
        assert answer.read() == b"content"


def test_deleting_what_is_not_there_does_the_same_in_every_place(place: Place) -> None:
    place.delete("never-was.csv")
    assert not place.has("never-was.csv")


def test_a_file_that_grows_while_it_is_read_is_not_used(disk: Place) -> None:
    disk.write("a.csv", b"x" * (CHUNK + 1))
    chunks = disk.chunks(the_file(disk))
    next(chunks)
    with (folder_of(disk) / "a.csv").open("ab") as writer:
        writer.write(b"more")
    with pytest.raises(Unreadable, match="still being written"):
        list(chunks)


@pytest.mark.parametrize("content", [b"new", b"y" * (CHUNK + 1)], ids=["another size", "same size"])
def test_a_file_that_is_replaced_while_it_is_read_is_left_for_the_next_run(place: Place, content: bytes) -> None:
    place.write("a.csv", b"x" * (CHUNK + 1))
    chunks = place.chunks(the_file(place))
    next(chunks)
    place.write("a.csv", content)
    with pytest.raises(Unreadable, match="still being written"):
        list(chunks)


def replaced(path: Path) -> None:
    aside = path.with_suffix(".aside")
    aside.write_bytes(b"two")
    aside.replace(path)


def rewritten(path: Path) -> None:
    path.write_bytes(b"two")


def made_anew(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"two")


@pytest.mark.parametrize("rewrite", [replaced, rewritten, made_anew])
def test_another_content_has_another_etag_whatever_size_and_time_pretend(
    disk: Place, rewrite: Callable[[Path], None]
) -> None:
    disk.write("a.csv", b"one")
    before = the_file(disk)
    path = folder_of(disk) / "a.csv"
    seen = path.stat()
    time.sleep(0.02)  # the clock of a file system ticks every few milliseconds
    rewrite(path)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    after = the_file(disk)
    assert (after.size, after.modified_at) == (before.size, before.modified_at)
    assert after.etag != before.etag


def test_a_file_that_nobody_touched_keeps_its_etag(place: Place) -> None:
    place.write("a.csv", b"one")
    before = the_file(place)
    read(place, before)
    assert the_file(place) == before


@pytest.mark.parametrize(
    "path", ["50%#1.csv", "%41.csv", "a+b&c=d.csv", "売上 (東京).csv", "が.csv", "q?*[1]{2}|^`~.csv", "back\\slash.csv"]
)
def test_a_name_means_itself_in_every_place(place: Place, path: str) -> None:
    place.write(f"inside/{path}", b"odd")
    place.write("A.csv", b"another")
    odd = the_file(place, f"inside/{path}")
    assert (read(place, odd), b"".join(place.read_path(odd.path)), place.has(odd.path)) == (b"odd", b"odd", True)
    place.delete(odd.path)
    assert names(place) == ["A.csv"]


@pytest.mark.parametrize(
    "name", [b"with blanks .csv", "売上_東京.csv".encode(), b"line\nbreak.csv", b"not-utf8-\xff\x83.csv", b"50%#1.csv"]
)
def test_an_odd_name_on_a_disk_is_listed_and_read_like_any_other(disk: Place, name: bytes) -> None:
    (folder_of(disk) / "inside").mkdir()
    (folder_of(disk) / "inside" / os.fsdecode(name)).write_bytes(b"odd")
    disk.write("a.csv", b"plain")
    odd, plain = sorted(disk.files(), key=lambda file: file.path == "a.csv")
    assert os.fsencode(odd.path) == b"inside/" + name
    assert (read(disk, odd), read(disk, plain)) == (b"odd", b"plain")


def test_a_link_is_read_as_what_it_points_to(disk: Place, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_bytes(b"there")
    (folder_of(disk) / "a.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert read(disk, the_file(disk)) == b"there"


@pytest.mark.parametrize("target", ["nowhere.csv", "link.csv", "."], ids=["to nowhere", "to itself", "to a folder"])
def test_a_link_that_leads_to_no_file_is_listed_and_says_so_when_it_is_read(disk: Place, target: str) -> None:
    (folder_of(disk) / "link.csv").symlink_to(target)
    disk.write("a.csv", b"x")
    link, plain = sorted(disk.files(), key=lambda file: file.path == "a.csv")
    answers = list(disk.read_many([link, plain]))
    assert isinstance(answers[0], Unreadable)
    assert answers[1] == b"x"


@contextmanager
def without_roots_rights() -> Iterator[None]:
    """Root may read everything, and tests may run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def readable_by_all(disk: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The disk seen from inside its folder, whose parents are for root alone."""
    monkeypatch.chdir(folder_of(disk))
    folder_of(disk).chmod(0o755)
    return LocalPlace(Path())


def test_a_file_without_permission_stops_no_other(readable_by_all: Place) -> None:
    for name in ("a.csv", "locked.csv"):
        Path(name).write_bytes(b"x")
    Path("locked.csv").chmod(0)
    with without_roots_rights():
        a, locked = readable_by_all.read_many(sorted(readable_by_all.files(), key=lambda file: file.path))
    assert a == b"x"
    assert isinstance(locked, Unreadable)
    assert "Permission denied" in str(locked)


def test_an_unreadable_folder_is_told_and_does_not_make_its_files_look_gone(readable_by_all: Place) -> None:
    Path("locked").mkdir(mode=0)
    with without_roots_rights(), pytest.raises((Unreadable, PermissionError), match="locked"):
        list(readable_by_all.files())


def test_a_file_that_goes_while_the_folder_is_listed_hides_no_other(disk: Place) -> None:
    for path in ("a.csv", "b.csv", "c.csv"):
        disk.write(path, b"x")
    listing = disk.files()
    first = next(listing)
    gone = next(path for path in ("a.csv", "b.csv", "c.csv") if path != first.path)
    disk.delete(gone)
    assert {first.path, *(file.path for file in listing)} == {"a.csv", "b.csv", "c.csv"} - {gone}


def test_files_that_are_named_look_as_they_do_in_a_listing(place: Place) -> None:
    for path in ("a.csv", "sales/a b+c.csv", "sales/売上.csv", "sales/50%#1.csv"):
        place.write(path, b"x")
    wanted = ["sales/50%#1.csv", "never-was.csv", "sales", "sales/売上.csv", "a.csv/b.csv", "sales/a b+c.csv"]
    found = sorted(place.named(wanted), key=lambda file: file.path)
    assert found == sorted((f for f in place.files() if f.path != "a.csv"), key=lambda file: file.path)
    assert len(found) == 3


def test_a_link_that_is_named_looks_as_it_does_in_a_listing(disk: Place, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_bytes(b"there")
    (folder_of(disk) / "a.csv").symlink_to(tmp_path / "elsewhere.csv")
    (folder_of(disk) / "lost.csv").symlink_to("nowhere.csv")
    (folder_of(disk) / "folder.csv").symlink_to(tmp_path)
    links = sorted(disk.files(), key=lambda file: file.path)
    assert list(disk.named(["a.csv", "folder.csv", "lost.csv"])) == links
    assert len(links) == 3


def test_pages_come_in_order_and_go_on_from_anywhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("local", "s3"):
        monkeypatch.setattr(f"vending_platform.storage.{module}.PAGE", 10)
    paths = [*(f"sales/{number:04d}.csv" for number in range(20)), "zz/Ａ.csv", "zz/𠮷.csv", "ZZ.csv", "sales-x.csv"]
    for path in paths:
        place.write(path, b"x")
    in_order = sorted(paths, key=str.encode)
    pages = [[file.path for file in page] for page in place.pages()]
    assert [path for page in pages for path in page] == in_order
    assert [len(page) for page in pages] == [10, 10, 4]
    for after in ("sales/0009.csv", "sales/0009", "zz/𠮷.csv", "ZZ.csv"):
        behind = [file.path for page in place.pages(after) for file in page]
        assert behind == [path for path in in_order if path.encode() > after.encode()]


def test_storage_has_the_four_places_of_an_environment(tmp_path: Path) -> None:
    urls = Places(*(str(tmp_path / name) for name in ("sources", "processed-data", "dbt-artifacts", "staging")))
    with pytest.raises(FileNotFoundError, match="that is where deliveries are expected"):
        open_storage(urls)
    Path(urls.raw).mkdir()
    storage = open_storage(urls)
    for place, url in zip(
        (storage.raw, storage.processed, storage.artifacts, storage.work),
        (urls.raw, urls.processed, urls.artifacts, urls.work),
        strict=True,
    ):
        place.write("a.csv", b"x")
        assert Path(url, "a.csv").read_bytes() == b"x"
