"""Why a file can't be used as a whole."""


class FileProblem(Exception):
    """The file goes to quarantine; the message is for the person who has to mend it."""
