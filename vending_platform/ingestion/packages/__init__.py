"""Packages: files that a sender delivers together, loaded as their manifest lists them, whole or not at all.

`load_packages` and `replay_packages` are the part of a run that is about them; `check_package` holds a folder against
its manifest without loading it.
"""

from vending_platform.ingestion.packages.checking import CheckedPackage, NotAPackage, check_package
from vending_platform.ingestion.packages.gathering import with_whole_packages
from vending_platform.ingestion.packages.running import load_packages, replay_packages

__all__ = ["CheckedPackage", "NotAPackage", "check_package", "load_packages", "replay_packages", "with_whole_packages"]
