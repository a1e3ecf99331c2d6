"""What a run says of quality: its loads, its builds and its exports, gathered while it goes on and kept when it ends.

A `Recorder` is told of each as soon as it is there, and writes all of it in one publication, also after a run that
failed half-way. What is kept, and what is read of it, is `quality`'s business.
"""

from vending_platform.recording.recorder import QUALITY, Recorder, lineage

__all__ = ["QUALITY", "Recorder", "lineage"]
