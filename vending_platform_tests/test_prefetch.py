"""Making the next item while one is in use changes nothing but the time it takes."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from vending_platform.prefetch import prefetched


class Making:
    """Makes numbers, and knows how many of them have been made."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.made: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.changed = threading.Condition()

    def __iter__(self) -> Iterator[int]:
        for number in range(self.items):
            with self.changed:
                self.made.append(number)
                self.threads.add(threading.current_thread())
                self.changed.notify_all()
            yield number

    def wait_for(self, number: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.made) >= number, timeout=10)


def test_items_come_in_their_order_and_are_made_in_another_thread() -> None:
    making = Making(50)
    assert list(prefetched(making)) == list(range(50))
    assert threading.main_thread() not in making.threads


def test_the_next_item_is_made_while_one_is_in_use_and_no_more_than_that() -> None:
    making = Making(5)
    with closing(prefetched(making)) as items:
        for number in items:
            expected = min(number + 2, 5)
            assert making.wait_for(expected)
            assert len(making.made) == expected


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("the disk is gone")

    items = prefetched(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)


def test_stopping_early_ends_the_thread_and_makes_no_more_than_was_begun() -> None:
    making = Making(5)
    with closing(prefetched(making)) as items:
        assert next(items) == 0
    assert len(making.made) <= 2
    assert not any(thread.is_alive() for thread in making.threads)
