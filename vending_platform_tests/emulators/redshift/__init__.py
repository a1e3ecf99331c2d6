"""A Redshift for tests: PostgreSQL, made to take what Redshift takes and to refuse what Redshift has not.

The real boto3 talks to its Data API, and the real dbt-redshift, over TLS and with IAM, to its port. It proves that they
accept what the platform sends and that the steps fit together; it can't prove that Redshift gives the same answer.
"""

from vending_platform_tests.emulators.redshift.emulator import RedshiftEmulator, redshift_emulator

__all__ = ["RedshiftEmulator", "redshift_emulator"]
