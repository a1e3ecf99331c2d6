"""A MariaDB for what stands between an API and its database."""

from vending_platform_tests.emulators.mariadb import database, mariadb

__all__ = ["database", "mariadb"]
