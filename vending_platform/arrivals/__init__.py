"""Who noticed that files arrived, and which runs that asks for. The room knows no Dagster.

Two ways, one behaviour: `look_at_queue` reads a store's notifications from a queue, `look_at_listing` lists a store
that sends none. Both gather the files of a day, request a run per stretch of days, let later files wait for a run
that is under way, and ask again for what failed. `plan_requests` and `decide` are shared with the laptop's sensor,
which compares its folder with the ledger. `Lists` keeps which files a run is about.
"""

from vending_platform.arrivals.crash_points import PollCrashPoint
from vending_platform.arrivals.debounce import LONGEST_WAIT, QUIET, gather
from vending_platform.arrivals.file_lists import FileList, Lists
from vending_platform.arrivals.polling import Position, look_at_listing, position_of
from vending_platform.arrivals.queue import Queue, QueueMessage, open_queue
from vending_platform.arrivals.queue_polling import look_at_queue
from vending_platform.arrivals.run_planning import Answer, History, RequestedRun, RunState
from vending_platform.arrivals.run_requests import Earlier, Request, decide, plan_requests
from vending_platform.arrivals.s3_events import ArrivedFile, Reading, WatchedBucket, raw_bucket, read_message

__all__ = [
    "LONGEST_WAIT",
    "QUIET",
    "Answer",
    "ArrivedFile",
    "Earlier",
    "FileList",
    "History",
    "Lists",
    "PollCrashPoint",
    "Position",
    "Queue",
    "QueueMessage",
    "Reading",
    "Request",
    "RequestedRun",
    "RunState",
    "WatchedBucket",
    "decide",
    "gather",
    "look_at_listing",
    "look_at_queue",
    "open_queue",
    "plan_requests",
    "position_of",
    "raw_bucket",
    "read_message",
]
