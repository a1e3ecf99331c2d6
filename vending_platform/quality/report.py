"""The history as one HTML file: no script, no font and no picture from elsewhere, so it opens from a disk or a mail."""

from collections.abc import Iterable, Sequence
from html import escape

from vending_platform.quality.failing_page import what_fails
from vending_platform.quality.results import Dimension
from vending_platform.quality.scores import Quality, Score

_GOOD, _FAIR = 99.9, 95.0
_DAYS = 28
_LAYERS = ("deliveries", "raw", "staging", "intermediate", "marts", "exports")
_STYLE = """
:root{--ink:#1d2433;--soft:#667085;--line:#e4e7ec;--paper:#fff;--ground:#f6f7f9;--good:#157f4f;--fair:#a15c00;--bad:#b42318;
--good-soft:#e7f6ee;--fair-soft:#fdf1dc;--bad-soft:#fdeceb}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#2d3443;--paper:#181d27;--ground:#10141c;
--good:#4ccb8f;--fair:#f0b04f;--bad:#ff8a80;--good-soft:#12301f;--fair-soft:#35270f;--bad-soft:#3a1917}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,"Hiragino Sans","Noto Sans JP",sans-serif}
main{max-width:1320px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:18px;margin:36px 0 12px}p{margin:0 0 8px}
.soft{color:var(--soft)}.small{font-size:13px}.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:12px;margin-top:20px}
.tile,.box{background:var(--paper);border:1px solid var(--line);border-radius:10px}
.tile{padding:12px 14px}.tile b{display:block;font-size:26px;line-height:1.2;font-variant-numeric:tabular-nums}
.box{overflow-x:auto}table{border-collapse:collapse;width:100%}
th{font-size:12px;font-weight:600;color:var(--soft);text-align:left;white-space:nowrap}
th,td{padding:8px 12px;border-bottom:1px solid var(--line);vertical-align:middle}tr:last-child>td{border-bottom:0}
th.num{text-align:right}.good{color:var(--good)}.fair{color:var(--fair)}.bad{color:var(--bad)}
.mark{border-radius:99px;padding:1px 9px;font-size:12px;font-weight:600;white-space:nowrap}
.mark.fair{background:var(--fair-soft)}.mark.bad{background:var(--bad-soft)}.mark.good{background:var(--good-soft)}.mark.soft{background:var(--line)}
code{font:13px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
svg{display:block}.line{fill:none;stroke:currentColor;stroke-width:1.5;stroke-linejoin:round}.dot{fill:currentColor}
details{background:var(--paper);border:1px solid var(--line);border-radius:10px;margin-bottom:8px}
summary{cursor:pointer;padding:10px 14px;display:flex;gap:10px;align-items:baseline;flex-wrap:wrap;list-style:none}
summary::-webkit-details-marker{display:none}summary::before{content:"▸";color:var(--soft)}
details[open]>summary::before{content:"▾"}.what{font-weight:600}.push{margin-left:auto}
.inside{padding:4px 14px 14px;border-top:1px solid var(--line)}
td.wrap{overflow-wrap:anywhere}.row{margin:0 0 6px}.row b{font-weight:500;color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:10px 0}
dt{color:var(--soft)}dd{margin:0;min-width:0;overflow-wrap:anywhere}
.inside table{font-size:13px}.inside td,.inside th{padding:5px 10px}
@media print{body{background:#fff}details{break-inside:avoid}}
"""


def report(found: Quality) -> str:
    """The whole page. Every word of the data is escaped."""
    latest = found.latest
    day = found.about.get("day")
    dataset = found.about.get("dataset")
    scope = [f"as of {found.as_of[:16].replace('T', ' ')} UTC", *([f"until {day}"] if day else [])]
    scope += [f"only {dataset}"] if dataset else []
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>Data quality</title><style>{_STYLE}</style></head><body><main>",
            f'<h1>Data quality</h1><p class="soft">{escape(", ".join(scope))}</p>',
            _tiles(latest, found),
            _datasets(latest, found.scores),
            what_fails(found.failures, found.failures_left_out),
            _runs(found),
            '<p class="soft small">A score is the mean share of what passed, per kind of trust; its trend is held',
            " against the dataset’s own 28 days before. What is personal is masked. docs/quality.md explains it.</p>",
            "</main></body></html>",
        ]
    )


def _tiles(latest: Sequence[Score], found: Quality) -> str:
    if not latest:
        return "<p>There is nothing of that yet.</p>"
    tiles = []
    for dimension in Dimension:
        scores = [score.dimensions[dimension] for score in latest if dimension in score.dimensions]
        if scores:
            mean = sum(scores) / len(scores)
            tiles.append((f'<b class="{_tone(mean)}">{_percent(mean)}</b>', dimension.value.capitalize()))
    fails = sum(score.warned + score.failed for score in latest)
    tone = "bad" if any(score.failed for score in latest) else "fair" if fails else "good"
    tiles.append((f'<b class="{tone}">{fails}</b>', "not passed, newest days"))
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile">{figure}<span class="soft small">{words}</span></div>' for figure, words in tiles)
        + "</div>"
    )


def _datasets(latest: Sequence[Score], scores: Sequence[Score]) -> str:
    """Those that have days, and those with something wrong, the worst first; the others, which are well, are folded
    away."""
    shown: list[str] = []
    folded: list[str] = []
    for score in sorted(latest, key=_badness):
        past = sorted((one for one in scores if one.dataset == score.dataset), key=lambda one: one.day)[-_DAYS:]
        is_told = len(past) > 1 or score.warned or score.failed
        (shown if is_told else folded).append(_dataset(score, past))
    html = f"<h2>Datasets</h2>{_table_of(shown)}" if shown else ""
    if folded:
        words = f"{len(folded)} {'more ' if shown else ''}without business days, of which every check passed"
        html += f"<details style='margin-top:12px'><summary>{words}</summary>"
        html += f"<div class=inside>{_table_of(folded)}</div></details>"
    return html


def _dataset(score: Score, past: Sequence[Score]) -> str:
    return (
        f"<tr><td><code>{escape(score.dataset)}</code></td><td class='small num'>{escape(score.day)}</td>"
        f'<td class="num {_tone(score.score)}"><b>{_percent(score.score)}</b></td>'
        f'<td class="{_tone(min(one.score for one in past))}">{sparkline(past)}</td>'
        f'<td class="num small">{_trend(score.trend)}</td>'
        f'<td class="num">{score.checks}</td><td class=num>{_bad_of(score)}</td>'
        f'<td class="num small soft">{_since(score)}</td></tr>'
    )


def _table_of(rows: Iterable[str]) -> str:
    return (
        "<div class=box><table><thead><tr><th>Dataset</th><th class=num>Newest day</th><th class=num>Score</th>"
        f"<th>Last {_DAYS} days</th><th class=num>Trend</th><th class=num>Checks</th><th class=num>Not passed</th>"
        f"<th class=num>Last failure</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _runs(found: Quality) -> str:
    rows = "".join(
        f"<tr><td class='small num'>{escape(run.ended_at[:16].replace('T', ' '))}</td>"
        f"<td class=wrap>{escape(run.job)}</td>"
        f'<td><span class="mark {"good" if run.status == "succeeded" else "bad"}">{escape(run.status)}</span></td>'
        f"<td class=num>{run.checks}</td><td class=num>{run.warned + run.failed}</td>"
        f'<td class="small soft wrap">{escape(run.problem or "")}</td></tr>'
        for run in found.runs
    )
    if not rows:
        return ""
    return (
        "<h2>Last runs</h2><div class=box><table><thead><tr><th>Ended (UTC)</th><th>Job</th><th>Status</th>"
        "<th class=num>Checks</th><th class=num>Not passed</th><th>Why</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def sparkline(past: Sequence[Score], width: int = 150, height: int = 26) -> str:
    """Scores as a line, the oldest at the left; from the worst of them (at least 90) up to 100. Days that have not
    passed in full are dots."""
    low = min(90.0, *(one.score for one in past))
    step = (width - 6) / max(len(past) - 1, 1)
    points = [(3 + step * place, 3 + (height - 6) * (100 - one.score) / (100 - low)) for place, one in enumerate(past)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.2"><title>{escape(one.day)}: {_percent(one.score)}</title>'
        "</circle>"
        for (x, y), one in zip(points, past, strict=True)
        if one.warned or one.failed or len(past) == 1
    )
    label = f"{_percent(past[0].score)} on {past[0].day} to {_percent(past[-1].score)} on {past[-1].day}"
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role=img aria-label="{escape(label)}">'
        f'<polyline class="line" points="{line}"/>{dots}</svg>'
    )


def _bad_of(score: Score) -> str:
    marks: Iterable[tuple[int, str, str]] = ((score.failed, "bad", "failed"), (score.warned, "fair", "warn"))
    marked = " ".join(f'<span class="mark {tone}">{number} {words}</span>' for number, tone, words in marks if number)
    return marked or '<span class="soft">–</span>'


def _since(score: Score) -> str:
    match score.days_since_failure:
        case None:
            return "never"
        case 0:
            return "that day"
        case days:
            return f"{days} day{'' if days == 1 else 's'} before"


def _trend(trend: float | None) -> str:
    if trend is None or abs(trend) < 0.05:
        return '<span class="soft">–</span>'
    tone, sign = ("good", "▲") if trend > 0 else ("bad", "▼")
    return f'<span class="{tone}">{sign} {abs(trend):.1f}</span>'


def _percent(score: float) -> str:
    """Never rounded up to what it is not."""
    return "100" if score >= 100 else f"{int(score * 10) / 10:.1f}"


def _tone(score: float) -> str:
    return "good" if score >= _GOOD else "fair" if score >= _FAIR else "bad"


def _badness(score: Score) -> tuple[bool, bool, float, int, str]:
    """The worst first: what fails on its newest day, then what warns; the others by their layer."""
    is_bad = bool(score.failed or score.warned)
    return not score.failed, not score.warned, score.score if is_bad else 0, _layer(score.dataset), score.dataset


def _layer(dataset: str) -> int:
    layer = dataset.split(".")[0]
    return _LAYERS.index(layer) if layer in _LAYERS else len(_LAYERS)
