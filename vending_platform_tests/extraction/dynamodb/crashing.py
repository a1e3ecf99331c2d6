"""One extraction in a process of its own, which kills itself at a point of an export or of an extraction."""

import os
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from vending_platform_tests.extraction.dynamodb.parts import ExtractedItems
from vending_platform_tests.forked import FORKED
