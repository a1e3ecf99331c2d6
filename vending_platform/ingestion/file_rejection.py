"""Whether a file is refused as a whole, once it is known what became of its rows."""

from vending_platform.catalog import Source


def refusal(source: Source, accepted: int, rejected: int, first: str | None) -> str | None:
    """Why a file is refused as a whole when so many of its rows were accepted and rejected; None if it is not."""
    files = source.files
    if rejected and rejected / (accepted + rejected) > files.refuse_above:
        share = f"{rejected} of {accepted + rejected} rows were rejected, more than {files.refuse_above * 100:g}%"
        return f"{share}; the first in {first}"
    if accepted < files.min_rows:
        return f"it has {accepted} usable rows, and the contract requires at least {files.min_rows}"
    return None
