"""One extraction of a web API: of every source what the service says and no delivery does, as deliveries."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pyarrow as pa
import pyarrow.parquet as pq

from vending_platform.catalog import DeliveryMode, ExtractApi, Source
from vending_platform.connections import NotConnected, ServiceConnection
from vending_platform.connections.auth import ConnectionAuth
from vending_platform.environment import ApiSettings, AwsTarget
from vending_platform.extraction.crash_points import ExtractionPoint
from vending_platform.extraction.deliveries import Deliveries, business_day
from vending_platform.extraction.interface import (
    ChosenDays,
    Extracted,
    ExtractionError,
    SystemUnavailable,
    Workplace,
)
from vending_platform.extraction.scratch import emptied_scratch
from vending_platform.extraction.web.answers import Record
from vending_platform.extraction.web.asking import Question, due_days, questions, read_asked, spans, write_asked
from vending_platform.extraction.web.authorizing import auth_of
from vending_platform.extraction.web.client import REAL_CLOCK, ApiClient, Clock, open_client
from vending_platform.extraction.web.columns import day_of, table_of
from vending_platform.extraction.web.paging import pages
from vending_platform.storage import Place, StoredFile

_READINGS = 3
"""How often a list is read that changes while its pages are."""


def extract_api(
    name: str,
    settings: ApiSettings,
    aws: AwsTarget | None,
    sources: Sequence[Source],
    place: Workplace,
    days: ChosenDays | None = None,
    clock: Clock = REAL_CLOCK,
    connection: Callable[[Place], ServiceConnection] | None = None,
) -> list[Extracted]:
    """One result per source. What is wrong with one source stops no other; an API that does not answer raises, and what
    was delivered until then stays."""
    done = []
    auth = auth_of(settings, aws) if connection is None else ConnectionAuth(connection(place.work))
    with emptied_scratch(place), open_client(name, settings, auth, clock) as client:
        place.on_point(ExtractionPoint.OPENED)
        for source in sources:
            begun = monotonic()
            with TemporaryDirectory(dir=place.scratch) as folder:
                one = _AskedSource(client, source, place, Path(folder), clock.today())
                try:
                    one.extract(days)
                    problem = None
                except (ExtractionError, NotConnected) as error:
                    problem = str(error)
            done.append(replace(one.extracted, problem=problem, seconds=monotonic() - begun))
    return done


class _ListMoved(Exception):
    """A record is on two pages, so others may be on none."""


@dataclass
class _AskedSource:
    """The extraction of one source."""

    client: ApiClient
    source: Source
    place: Workplace
    folder: Path
    now: datetime
    extracted: Extracted = field(init=False)
    """What it has done so far."""
    needed: int = 1
    answered: int = 0
    """Questions."""

    def __post_init__(self) -> None:
        self.extracted = Extracted(self.source.name, business_day(self.now))

    @cached_property
    def declared(self) -> ExtractApi:
        assert isinstance(self.source.extract, ExtractApi), "only sources that are extracted from an API come here"
        return self.source.extract

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.source, self.place.raw, self.folder)

    def extract(self, days: ChosenDays | None) -> None:
        self.deliveries.sweep()
        if self.source.files.delivery is DeliveryMode.DAILY:
            self._days(days)
        elif days is None or days.first <= business_day(self.now) <= days.last:
            # Of what is so now there is no past to extract.
            self._all_there_is()

    def _days(self, days: ChosenDays | None) -> None:
        asked = read_asked(self.place.work, self.source.name)
        due = list(spans(self.declared, due_days(self.source, self.declared, asked, self.now, days)))
        self.needed = len(due) * len(questions(self.declared))
        for span in due:
            records = self._answers(questions(self.declared, span[0], span[-1]))
            for day, of_day in self._by_day(span, records).items():
                path = self.deliveries.name_of(day)
                there = next(iter(self.place.raw.named([path])), None)
                if of_day or there is not None:
                    self._deliver(path, table_of(self.source, self.declared, of_day), there)
            asked |= dict.fromkeys(span, self.now)
            write_asked(self.place.work, self.source.name, asked)
            self.place.on_point(ExtractionPoint.NOTED)

    def _all_there_is(self) -> None:
        """Nothing, where the last delivery says the same: apart from the moment, if it has that."""
        asked = questions(self.declared)
        self.needed = len(asked)
        table = table_of(self.source, self.declared, self._answers(asked))
        last = self._content(self.deliveries.all[-1]) if self.deliveries.all else None
        if last is not None and self._without_moment(table).equals(self._without_moment(last)):
            return
        is_whole = self.source.files.delivery is DeliveryMode.SNAPSHOT
        path = self.deliveries.name_of_day(self.now) if is_whole else self.deliveries.name_at(self.now)
        self._deliver(path, table, next(iter(self.place.raw.named([path])), None))

    def _without_moment(self, table: pa.Table) -> pa.Table:
        of_moment = {name for name, text in self.declared.add.items() if "{asked_at}" in text}
        return table.drop_columns([name for name in table.column_names if name in self._in_files(of_moment)])

    def _answers(self, asked: Sequence[Question]) -> list[Record]:
        """Of all of them, or of none."""
        found: list[Record] = []
        for question in asked:
            found += self._unmoved(question)
            self.answered += 1
            self.place.on_requests(self.source.name, self.answered, self.needed)
        return found

    def _unmoved(self, question: Question) -> list[Record]:
        """The records of all pages, read again if the list moves meanwhile."""
        for _ in range(_READINGS):
            with suppress(_ListMoved):
                return list(self._records(question))
        raise SystemUnavailable(f"{self.client.name} ({question}): the list changes while its pages are read")

    def _records(self, question: Question) -> Iterator[Record]:
        in_files = {self.source.column(name).text_in_header: value for name, value in question.added(self.now).items()}
        can_move = self.declared.counts_pages and self.source.files.duplicates == "reject"
        names, seen = sorted(self._in_files(self.source.files.key)), set[tuple[str, ...]]()
        for page in pages(self.client, self.declared, question.path, question.params, str(question)):
            self._check_keys(page, in_files.keys(), question)
            self.extracted = replace(self.extracted, rows_read=self.extracted.rows_read + len(page))
            self.place.on_rows(self.source.name, self.extracted.rows_read)
            for record in ({**record, **in_files} for record in page):
                key = tuple(str(record.get(name)) for name in names)
                if can_move and key in seen:
                    raise _ListMoved
                seen.add(key)
                yield record

    def _check_keys(self, page: Sequence[Record], added: Iterable[str], question: Question) -> None:
        """Without its key a record is none: then the answer is another one than the contract is about."""
        missing = self._in_files(self.source.files.key) - {name for record in page for name in record} - set(added)
        if page and missing:
            has = ", ".join(page[0])
            raise ExtractionError(
                f"{self.client.name} ({question}): records lack {', '.join(sorted(missing))}; they have: {has}"
            )

    def _by_day(self, span: Sequence[date], records: Sequence[Record]) -> dict[date, list[Record]]:
        if not self.declared.is_of_spans:
            return {span[0]: list(records)}
        found: dict[date, list[Record]] = {day: [] for day in span}
        for record in records:
            day = day_of(self.source, self.declared, record)
            if day not in found:
                asked = f"{span[0]} to {span[-1]}"
                raise ExtractionError(
                    f"{self.client.name} ({asked}): a record is of {day or 'no day'}, which was not asked for"
                )
            found[day].append(record)
        return found

    def _in_files(self, columns: Iterable[str]) -> set[str]:
        """What these columns are called there."""
        return {self.source.column(name).text_in_header for name in columns}

    def _content(self, file: StoredFile) -> pa.Table | None:
        """None if it is not what an extraction writes."""
        try:
            return pq.ParquetFile(self.deliveries.local(file)).read()
        except (pa.ArrowException, OSError):
            return None

    def _deliver(self, path: str, table: pa.Table, there: StoredFile | None) -> None:
        """Unless what is there says the same."""
        if there is not None and table.equals(self._content(there)):
            return
        content = self.folder / "rows.parquet"
        pq.write_table(table, content, compression="zstd", compression_level=1)
        self.place.on_point(ExtractionPoint.WRITTEN_ASIDE)
        self.deliveries.write(path, content)
        self.place.on_point(ExtractionPoint.DELIVERED)
        self.extracted = replace(
            self.extracted,
            path=path,
            files=self.extracted.files + 1,
            rows=self.extracted.rows + table.num_rows,
            bytes=self.extracted.bytes + content.stat().st_size,
        )
