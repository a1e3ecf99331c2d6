"""Whether everything that an environment needs is there and may be used. It is checked without changing any of it.

`checks_of` lists the checks and `examine` runs them. Each is fine, or wrong (with what to do about it), or skipped,
because another check that it needs is not fine.
"""

from vending_platform.doctor.checks import checks_of
from vending_platform.doctor.runner import Diagnosis, Health, examine

__all__ = ["Diagnosis", "Health", "checks_of", "examine"]
