import gc
from contextlib import ExitStack

import pytest

from vending_platform.garbage import own_garbage_only


def test_what_was_there_is_left_alone_and_looks_are_seldom() -> None:
    before = gc.get_threshold()
    with own_garbage_only():
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > before[0]


def test_after_the_work_the_collector_does_as_before_also_if_it_failed() -> None:
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), own_garbage_only():
        raise ZeroDivisionError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_of_works_that_overlap_the_last_one_leaves_it_as_before() -> None:
    before, one, other = gc.get_threshold(), ExitStack(), ExitStack()
    one.enter_context(own_garbage_only())
    other.enter_context(own_garbage_only())
    one.close()
    assert gc.get_freeze_count() > 0
    other.close()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
