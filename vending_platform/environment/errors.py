"""What is wrong with the settings."""


class SettingsError(ValueError):
    """The settings contradict each other or are incomplete; the message says what to set to what, and where."""


class UnknownDomain(SettingsError):
    """There is no such domain; the message names those that there are."""
