"""Why a file can't be used as a whole, in words that stay short whatever the file holds."""

LONGEST_REASON = 1_000
"""Characters of a reason: it stands in the ledger, in a terminal and in an alert, and a header may have megabytes."""
LAST_PART = 200
"""Of what is cut in the middle, so many characters of its end stay."""


class FileProblem(Exception):
    """The file goes to quarantine; the message is for the person who has to fix it."""

    def __init__(self, why: str) -> None:
        super().__init__(shortened(why))


def shortened(text: str, longest: int = LONGEST_REASON) -> str:
    """The text, cut in the middle where it is too long, with how long it was."""
    if len(text) <= longest:
        return text
    return f"{text[: longest - LAST_PART]} … ({len(text)} characters) … {text[-LAST_PART:]}"
