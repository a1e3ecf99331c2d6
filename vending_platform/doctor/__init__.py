"""Whether everything is there that an environment needs, and may be used: asked without changing any of it.

`checks` is the table, `examine` looks: each check is fine, wrong (with what to do about it), or not looked at, because
another one is not fine.
"""

from vending_platform.doctor.looking import Check, Finding, Health, examine
from vending_platform.doctor.table import checks

__all__ = ["Check", "Finding", "Health", "checks", "examine"]
