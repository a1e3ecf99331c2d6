"""Work that is done while other work is under way: the reading of the next batch while this one is being used."""

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
_END: Final = object()


def prefetched(items: Iterable[Item]) -> Generator[Item, None, None]:
    """The same items in the same order. While one of them is in use a thread makes the next one, and no more than that.

    An error in the making comes where the item would have come. To stop early, close the iterator: that waits
    for the item which is being made.
    """
    making = iter(items)
    with ThreadPoolExecutor(1) as aside:
        coming = aside.submit(next, making, _END)
        while (item := coming.result()) is not _END:
            coming = aside.submit(next, making, _END)
            yield item  # type: ignore[misc]  # mypy does not see that it is not the end
