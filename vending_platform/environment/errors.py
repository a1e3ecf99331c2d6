"""What is wrong with the settings."""

from vending_platform.errors import ConfigurationError


class SettingsError(ConfigurationError):
    """The settings contradict each other or are incomplete; the message says what to set to what, and where."""


class UnknownDomain(SettingsError):
    """There is no such domain; the message names those that there are."""
