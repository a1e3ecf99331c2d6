"""What does not pass, as HTML: a cause each, the worst first. Every word of the data is escaped."""

from collections.abc import Sequence
from html import escape

from vending_platform.quality.causes import Cause, causes
from vending_platform.quality.failures import Failure, KeptRow

_SHORT_HASH = 12
_COLUMNS = 7
"""With more columns, or wider ones than fit beside each other, a row is a line of its own: nothing is cut off."""
_WIDEST = 110
"""In letters, all columns together."""
_OTHERS = 40


def what_fails(failures: Sequence[Failure], left_out: int) -> str:
    if not failures:
        return "<h2>What does not pass</h2><p>Every check passed, on all of these days.</p>"
    grouped = causes(failures)
    count = f"{_count(len(grouped), 'cause')}, {_count(len(failures), 'result')}"
    more = (
        f'<p class="small soft">{left_out:,} more results are not shown: the least bad of them.</p>' if left_out else ""
    )
    return f"<h2>What does not pass ({count})</h2>" + "".join(map(_cause, grouped)) + more


def _cause(cause: Cause) -> str:
    worst = cause.worst
    tone = {"warned": "fair", "skipped": "soft"}.get(worst.status, "bad")
    datasets = cause.datasets
    where = f"<code>{escape(datasets[0])}</code>" + (f" and {len(datasets) - 1} more" if len(datasets) > 1 else "")
    days = cause.days
    when = escape(days[-1]) if len(days) == 1 else f"{len(days)} days, {escape(days[0])} to {escape(days[-1])}"
    rows = f", {_count(cause.rows, 'row')}" if cause.rows else ""
    return (
        f'<details><summary><span class="mark {tone}">{escape(worst.status)}</span>'
        f"<span class=what>{escape(cause.name)}</span><span class=small>{where}</span>"
        f'<span class="push small soft">{when}{rows}</span></summary>'
        f"<div class=inside>{_failure(worst)}{_others(cause.failures[1:])}</div></details>"
    )


def _failure(failure: Failure) -> str:
    terms_of = {
        "Dataset": f"{failure.dataset}, {failure.day}",
        "Check": f"{failure.check}{f' · {failure.column}' if failure.column else ''}",
        "Kind of trust": failure.dimension,
        "Expected": failure.expected,
        "Found": failure.actual,
        "Rows": _rows_of(failure),
        "Tested together": failure.partition if failure.partition != failure.day else None,
        "In its words": failure.message,
    }
    terms = "".join(f"<dt>{name}</dt><dd>{escape(words)}</dd>" for name, words in terms_of.items() if words)
    return f"<dl>{terms}</dl>{_kept(failure.rows)}{_files(failure)}"


def _others(failures: Sequence[Failure]) -> str:
    """The same elsewhere, a line each."""
    if not failures:
        return ""
    lines = "".join(
        f"<tr><td class=small>{escape(one.day)}</td><td class=wrap><code>{escape(one.dataset)}</code></td>"
        f"<td>{escape(one.status)}</td><td class=num>{_rows_of(one) or ''}</td>"
        f"<td class=wrap>{escape(one.message or one.actual or '')}</td><td class=wrap>{_places(one)}</td></tr>"
        for one in failures[:_OTHERS]
    )
    more = len(failures) - _OTHERS
    rest = f'<p class="small soft">… and {more} more of these</p>' if more > 0 else ""
    return (
        "<p class=small style='margin-top:12px'><b>The same elsewhere</b></p><div class=box><table><thead><tr>"
        "<th>Day</th><th>Dataset</th><th>Status</th><th class=num>Rows</th><th>Found</th><th>File</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></div>{rest}"
    )


def _places(failure: Failure) -> str:
    named = list(dict.fromkeys(_place(row) for row in failure.rows if row.path))
    named = named or [file.path for file in failure.files[:1]]
    more = len(named) - 1 if failure.rows else failure.files_in_all - 1
    return f"<code>{escape(named[0])}</code>" + (f" and {more} more" if more > 0 else "") if named else ""


def _place(row: KeptRow) -> str:
    return f"{row.path}" + (f", line {row.line}" if row.line is not None else "")


def _kept(rows: Sequence[KeptRow]) -> str:
    if not rows:
        return ""
    shown_rows = [
        {name: value for name, value in row.row.items() if name not in ("file_id", "line_number")}
        | ({"file": _place(row)} if row.path else {})
        | ({"reason": row.reason} if row.reason else {})
        for row in rows
    ]
    names = list(dict.fromkeys(name for row in shown_rows for name in row))
    widest = sum(max(len(name), *(len(row.get(name) or "") for row in shown_rows)) for name in names)
    shown = _table(names, shown_rows) if len(names) <= _COLUMNS and widest <= _WIDEST else _lines(shown_rows)
    return f"<p class=small><b>Some of the rows</b></p>{shown}"


def _table(names: Sequence[str], rows: Sequence[dict[str, str | None]]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = "".join(
        "<tr>" + "".join(f"<td class=wrap>{escape(row.get(name) or '')}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f"<div class=box><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"


def _lines(rows: Sequence[dict[str, str | None]]) -> str:
    """Where a row comes from first; what it does not have is left out."""
    lines = []
    for row in rows:
        first = [name for name in ("file", "reason") if name in row]
        pairs = [(name, row[name]) for name in (*first, *(name for name in row if name not in first)) if row[name]]
        lines.append(" · ".join(f"<b>{escape(name)}</b> {escape(value or '')}" for name, value in pairs))
    return "".join(f'<p class="small row wrap" style="overflow-wrap:anywhere">{line}</p>' for line in lines)


def _files(failure: Failure) -> str:
    if not failure.files:
        return ""
    lines = "".join(
        f"<tr><td class=wrap><code>{escape(file.path)}</code></td>"
        f'<td class="soft"><code title="{escape(file.sha256)}">sha256 {escape(file.sha256[:_SHORT_HASH])}…</code></td>'
        "</tr>"
        for file in failure.files
    )
    more = failure.files_in_all - len(failure.files)
    rest = f'<p class="small soft">… and {more} more files of that day</p>' if more else ""
    return (
        '<p class=small style="margin-top:12px"><b>The files behind it</b></p>'
        f"<div class=box><table><tbody>{lines}</tbody></table></div>{rest}"
    )


def _rows_of(failure: Failure) -> str | None:
    if failure.failed_rows is None:
        return None
    return f"{failure.failed_rows:,}" + (f" of {failure.total_rows:,}" if failure.total_rows else "")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
