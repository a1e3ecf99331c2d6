"""Whether everything is there that an environment needs, and may be used: asked without changing any of it.

`checks` is the table, `examine` looks: each check is fine, wrong (with what to do about it), or not looked at, because
another one is not fine.
"""

from vending_platform.doctor.checks import checks_of
from vending_platform.doctor.runner import Check, Diagnosis, Health, examine

__all__ = ["Check", "Diagnosis", "Health", "checks_of", "examine"]
