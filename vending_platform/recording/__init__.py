"""What runs find of quality: their loads, builds and exports, noted beside what they publish and kept when a run ends.

A `Recorder` writes all that is noted in one publication, also after a run that failed half-way, and for runs that were
killed. What is kept, and what is read of it, is `quality`'s business.
"""

from vending_platform.recording.models import expectation
from vending_platform.recording.recorder import QUALITY, Recorder, lineage

__all__ = ["QUALITY", "Recorder", "expectation", "lineage"]
