"""Who noticed that files arrived, and which runs that asks for. The room knows no Dagster.

Two ways, one behaviour: `look_at_queue` reads what the store tells through a queue, `look_at_listing` lists a store
that tells nothing. Both gather the files of a day, ask for a run per stretch of days, let later files wait for a run
that is under way, and ask again for what failed. `requests` and `decide` are shared with the laptop's sensor, which
holds its folder against the ledger. `Lists` keeps which files a run is about.
"""

from vending_platform.arrivals.asking import Answer, History, Run, RunState
from vending_platform.arrivals.gathering import LONGEST_WAIT, QUIET, gather
from vending_platform.arrivals.listed import Position, look_at_listing, position_of
from vending_platform.arrivals.lists import FileList, Lists
from vending_platform.arrivals.notices import Bucket, Notice, Reading, raw_bucket, read_message
from vending_platform.arrivals.notified import look_at_queue
from vending_platform.arrivals.queue import Message, Queue, open_queue
from vending_platform.arrivals.requests import Earlier, Request, decide, requests
from vending_platform.arrivals.steps import Step

__all__ = [
    "LONGEST_WAIT",
    "QUIET",
    "Answer",
    "Bucket",
    "Earlier",
    "FileList",
    "History",
    "Lists",
    "Message",
    "Notice",
    "Position",
    "Queue",
    "Reading",
    "Request",
    "Run",
    "RunState",
    "Step",
    "decide",
    "gather",
    "look_at_listing",
    "look_at_queue",
    "open_queue",
    "position_of",
    "raw_bucket",
    "read_message",
    "requests",
]
