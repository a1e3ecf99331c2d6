"""What a load did, and what is wrong with a file."""

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.parts import count, new_table, problem_lists, with_commas
from vending_platform.ingestion import Checked, CheckedPackage, Summary
from vending_platform.ledger import FileState, PackageState


def summary_view(summary: Summary) -> RenderableType:
    """What a run of `ingest` or `replay` did."""
    lines: list[RenderableType] = []
    if summary.loaded:
        table = new_table("source", "files", "corrected", "rows accepted", "rows rejected")
        for source in sorted({version.source for version in summary.loaded}):
            versions = [version for version in summary.loaded if version.source == source]
            table.add_row(
                source,
                with_commas(len(versions)),
                with_commas(sum(version.file_id in summary.corrected for version in versions)),
                with_commas(sum(version.rows_accepted for version in versions)),
                with_commas(sum(version.rows_rejected for version in versions)),
            )
        lines += [Text(f"Loaded {count(len(summary.loaded), 'file')}", style="bold"), table]
    else:
        lines.append(Text("Nothing was loaded." if summary.quarantined else "Nothing new to load.", style="bold"))
    if loaded := [one for one in summary.packages if one.state is PackageState.LOADED]:
        rows = count(sum(one.rows for one in loaded), "row")
        lines.append(f"{count(len(loaded), 'package')} complete and right, with {rows}.")
    lines += [f"{one} changes nothing: {one.reason}" for one in summary.packages if one.state is PackageState.OUTDATED]
    if summary.unchanged:
        lines.append(f"{count(summary.unchanged, 'file')} unchanged since last time.")
    if summary.same_again:
        lines.append(f"{count(len(summary.same_again), 'file')} delivered again with the same content: nothing to do.")
    if archived := [version for version in summary.gone if version.state is FileState.ARCHIVED]:
        lines.append(f"{count(len(archived), 'file')} archived by now; the rows stay.")
    if summary.withdrawn:
        lines.append(f"{count(len(summary.withdrawn), 'file')} withdrawn: the rows are out of raw.")
    lines += problem_lists(
        [
            (
                "Packages that are refused; what was loaded of them before stays",
                [f"{one}: {one.reason}" for one in summary.packages if one.state is PackageState.REFUSED],
                "See all that is wrong: vending check FOLDER. Have a right one delivered, with a higher revision",
            ),
            (
                "Packages that are not complete yet; the rest of them may still come",
                [f"{one}: {one.reason}" for one in summary.packages if one.state is PackageState.WAITING],
                None,
            ),
            (
                "In quarantine, because the whole file can't be used",
                [f"{version.path}: {version.reason}" for version in summary.quarantined],
                "Have it delivered again under the same name; or fix its contract and run: vending replay",
            ),
            (
                "Loaded, but some rows were rejected",
                [f"{v.path}: {count(v.rows_rejected, 'row')}" for v in summary.loaded if v.rows_rejected],
                "See which and why: vending check FILE",
            ),
            (
                "Loaded, but not as the contract says",
                [f"{version.path}: {version.drift}" for version in summary.loaded if version.drift],
                "Declare the new column in the source's YAML, or ask the sender about the change",
            ),
            (
                "The same bytes as another file: each of the rows counts once",
                [f"{path}: as {other}" for path, other in summary.copies],
                "Remove one of them; or set duplicates: keep in the contract, if each file counts by itself",
            ),
            (
                "Could not be read this time; the next run tries again",
                [f"{path}: {reason}" for path, reason in summary.unreadable],
                None,
            ),
            (
                "Gone, although not old enough to be archived; the rows stay",
                [version.path for version in summary.gone if version.state is FileState.WITHDRAWN],
                "If they are meant to be gone: vending ingest --withdraw",
            ),
            (
                "Left alone",
                [f"{source}: {why}" for source, why in summary.blocked.items()],
                None,
            ),
            (
                "Should be read again, but the bytes no longer exist",
                [version.path for version in summary.not_replayable],
                "Have them delivered again",
            ),
            (
                "Of no declared kind",
                [f"{file.path}: {file.reason}" for file in summary.undeclared],
                "Rename or remove them, or declare a source for them: docs/adding-a-source.md",
            ),
        ]
    )
    return Group(*lines)


def checked_package_view(checked: CheckedPackage) -> RenderableType:
    """What is wrong with a package, and with which of its files."""
    head = Text(checked.title, style="bold")
    if checked.revision is not None:
        head.append(f", revision {checked.revision}", style="dim")
    if checked.faults:
        lines: list[RenderableType] = [Text("  would not be loaded:", style="red")]
        lines += [Text(f"    {fault}", style="red") for fault in checked.faults]
    else:
        rows = count(sum(file.accepted for file in checked.files.values()), "row")
        lines = [Text(f"  would be loaded: {count(len(checked.files), 'file')}, {rows}", style="green")]
    return Group(head, *lines, *(checked_view(name, file) for name, file in sorted(checked.files.items())))


def checked_view(name: str, checked: Checked) -> RenderableType:
    """What is wrong with one file, and where."""
    head = Text(name, style="bold")
    if checked.source is not None:
        head.append(f" as {checked.source}" + (f", {checked.encoding}" if checked.encoding else ""), style="dim")
    lines: list[RenderableType] = [head]
    if checked.refused is not None:
        outcome = "would go to quarantine" if checked.source is not None else "would not be loaded"
        lines.append(Text(f"  {outcome}: {checked.refused}", style="red"))
    else:
        rows = f"{count(checked.accepted, 'row')} accepted, {with_commas(checked.rejected)} rejected"
        lines.append(Text(f"  {rows}", style="green" if checked.is_fine else "yellow"))
    if checked.drift is not None:
        lines.append(Text(f"  {checked.drift}", style="yellow"))
    for finding in checked.findings:
        where = f"{checked.counted_in} {finding.line}" + (f", column {finding.column}" if finding.column else "")
        lines.append(Text(f"  {where}: {finding.reason}"))
    if checked.rejected > len(checked.findings):
        lines.append(Text(f"  … and {with_commas(checked.rejected - len(checked.findings))} more"))
    return Group(*lines)
