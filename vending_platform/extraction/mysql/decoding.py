"""Rows of MySQL's text protocol become Arrow columns, thousands at a time and exactly as the server wrote them.

A result comes as one packet per row, each value with its length before it. Only the packets are walked through one by
one; where each value begins and ends is computed for all rows of a column together, and Arrow gathers the bytes.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

_HEADER = 4
_LONGEST = 0xFFFFFF
"""A packet of this length goes on in the next one."""
_NULL, _TWO, _THREE, _EIGHT = 0xFB, 0xFC, 0xFD, 0xFE
_END, _ERROR = 0xFE, 0xFF
_SHORTEST_LONG_VALUE = 9
"""A packet that begins with 0xFE and is not shorter is a row; a shorter one ends the rows."""
_ROOM = 2 * 1024 * 1024
_ENOUGH = 1_500_000
"""So much is decoded at once: for less the computing is not worth starting."""
_length = struct.Struct("<I").unpack_from


class LostRows(Exception):
    """The connection ended before the result did."""


@dataclass
class _Received:
    """What was received and not used yet: whole packets, by where their payloads begin, up to `walked`; and what
    follows, up to `end`."""

    data: bytearray
    starts: list[int]
    walked: int = 0
    end: int = 0

    def make_room(self) -> memoryview:
        """Where the next bytes go; one row that needs more gets more."""
        if self.end == len(self.data):
            self.data += bytes(len(self.data))
        return memoryview(self.data)[self.end :]

    def forget(self) -> None:
        """The packets that are here were used."""
        rest = self.end - self.walked
        self.data[:rest] = self.data[self.walked : self.end]
        self.starts, self.walked, self.end = [], 0, rest


def decoded(receive: Callable[[memoryview], int], columns: int) -> Iterator[list[pa.Array] | bytes]:
    """The values of some thousand rows at a time, a column each, as strings. `receive` puts what has come into a buffer
    and gives how much it is. An error that the server sends in the place of rows is the last item, as its packet."""
    got = _Received(bytearray(_ROOM), [])
    while True:
        with got.make_room() as room:
            received = receive(room)
        if not received:
            raise LostRows
        got.end += received
        _walk(got)
        if not got.starts:
            continue
        last = got.starts[-1]
        has_error = got.data[last] == _ERROR
        is_last = has_error or (got.data[last] == _END and got.walked - last < _SHORTEST_LONG_VALUE)
        if not is_last and got.walked < _ENOUGH:
            continue
        if rows := got.starts[:-1] if is_last else got.starts:
            yield _columns(got.data, rows, columns)
        if has_error:
            yield bytes(got.data[last : got.walked])
        if is_last:
            return
        got.forget()


def _walk(got: _Received) -> None:
    """Notes where the payload of each packet begins that has come as a whole."""
    data, end, position, found = got.data, got.end, got.walked, got.starts
    while position + _HEADER <= end:
        size = _length(data, position)[0] & _LONGEST
        if size == _LONGEST:
            size = _join(data, position, end)
            if size < 0:
                break
            end = got.end = end - _HEADER * (size // _LONGEST)
        following = position + _HEADER + size
        if following > end:
            break
        found.append(position + _HEADER)
        position = following
    got.walked = position


def _join(data: bytearray, position: int, end: int) -> int:
    """Makes one packet of those that a long row was cut into, if all are here, and gives its length; else -1."""
    sizes, place = [], position
    while True:
        if place + _HEADER > end:
            return -1
        sizes.append(_length(data, place)[0] & _LONGEST)
        place += _HEADER + sizes[-1]
        if place > end:
            return -1
        if sizes[-1] < _LONGEST:
            break
    target = position + _HEADER + sizes[0]
    source = target
    for size in sizes[1:]:
        data[target : target + size] = data[source + _HEADER : source + _HEADER + size]
        target, source = target + size, source + _HEADER + size
    data[target : target + end - source] = data[source:end]
    return sum(sizes)


def _columns(data: bytearray, starts: list[int], columns: int) -> list[pa.Array]:
    received = np.frombuffer(data, np.uint8)
    position = np.array(starts, np.int64)
    rows = len(starts)
    # Between the values of a row are their lengths: as every other element, they are never gathered.
    places = np.empty((rows, 2 * columns), np.int32)
    missing = []
    for column in range(columns):
        first, length, is_null = _lengths(received, position)
        places[:, 2 * column] = first
        position = first + length
        places[:, 2 * column + 1] = position
        missing.append(is_null)
    offsets = np.append(places.reshape(-1), np.int32(position[-1]))
    values = pa.Array.from_buffers(
        pa.string(), 2 * columns * rows, [None, pa.py_buffer(offsets), pa.py_buffer(received)]
    )
    row_starts = np.arange(rows, dtype=np.int32) * (2 * columns)
    return [values.take(pa.array(row_starts + 2 * column, mask=is_null)) for column, is_null in enumerate(missing)]


def _lengths(
    received: "np.ndarray[tuple[int], np.dtype[np.uint8]]", position: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> tuple[
    "np.ndarray[tuple[int], np.dtype[np.int64]]",
    "np.ndarray[tuple[int], np.dtype[np.int64]]",
    "np.ndarray[tuple[int], np.dtype[np.bool_]] | None",
]:
    """Of the value of each row that begins at its position: where its bytes are, how many, and whether it is NULL."""
    length = received[position].astype(np.int64)
    first = position + 1
    if length.max() < _NULL:
        return first, length, None
    is_null = length == _NULL
    for mark, width in ((_TWO, 2), (_THREE, 3), (_EIGHT, 8)):
        if (marked := np.flatnonzero(length == mark)).size:
            place = position[marked] + 1
            long = np.zeros(marked.size, np.int64)
            for byte in range(min(width, 4)):
                long |= received[place + byte].astype(np.int64) << (8 * byte)
            length[marked] = long
            first[marked] += width
    length[is_null] = 0
    return first, length, is_null
