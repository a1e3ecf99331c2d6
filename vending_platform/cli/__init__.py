"""`vending`: the platform's operations for a terminal. `views` has how results are shown to a person.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but something needs a person; 130 stopped by Ctrl-C,
143 by SIGTERM (`stopping`).
"""

from vending_platform.cli.app import app
from vending_platform.cli.consoles import FAILED

__all__ = ["FAILED", "app"]
