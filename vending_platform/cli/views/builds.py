"""What is built, from the plan to the exports."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from vending_platform.cli.views.parts import count, few, problem_lists
from vending_platform.exporting import Exported
from vending_platform.status import blocked_point
from vending_platform.transformation import BuildPlan, Transformed, Why, Work


def plan_view(plan: BuildPlan) -> RenderableType:
    """What will be built, why, and about how much."""
    lines: list[RenderableType] = [Text("\nTo build", style="bold"), *(Text(f"  {work}") for work in plan.todo)]
    if any(work.why is Why.CODE for work in plan.todo):
        lines.append(Text("  → Changed code can be postponed: vending run --skip-code-changes", style="dim"))
    return Group(*lines)


def transformed_view(transformed: Transformed) -> RenderableType:
    """Which days were built for which models, and what went wrong."""
    lines: list[RenderableType] = []
    blocked = blocked_point(transformed.blocked)
    waiting = [*problem_lists([(blocked.what, blocked.items, blocked.todo)]), *code_changes(transformed.plan.postponed)]
    if not transformed.windows:
        marts = "The other marts are up to date." if waiting else "The marts are up to date."
        return Group(Text(f"\n{marts}", style="bold"), *waiting)
    built = [result for _, results in transformed.windows for result in results if result.kind == "model"]
    checks = [result for _, results in transformed.windows for result in results if "test" in result.kind]
    days = [window for window, _ in transformed.windows if window.first_day is not None]
    good = sum(check.is_good for check in checks)
    models = count(len({result.name for result in built}), "model")
    lines.append(Text(f"\nBuilt {models}, {good} of {count(len(checks), 'check')} passed", style="bold"))
    for window in days:
        names: dict[str, list[str]] = {}
        for name, built_days in window.built.items():
            first, last = built_days[0], built_days[-1]
            names.setdefault(f"{first}" if first == last else f"{first} to {last}", []).append(name)
        lines += [f"  {span}: {few(of_it, 'model')}" for span, of_it in names.items()]
    lines += waiting
    lines += problem_lists(
        [
            (
                "Failed or skipped; these stay stale, and the next run takes them again",
                [
                    f"{node.name}: {node.status}: {' '.join((node.message or '').split())}"
                    for node in transformed.failed
                ],
                None,
            ),
            (
                "Checks that warn",
                [f"{node.name}: {count(node.failures or 0, 'row')}" for node in transformed.warned],
                None,
            ),
        ]
    )
    return Group(*lines)


def exported_view(exported: Sequence[Exported], place: str) -> RenderableType:
    """Which files are new, and where they are."""
    lines: list[RenderableType] = []
    for export in exported:
        if export.problem is not None:
            lines.append(Text(f"{export.name}: not exported: {export.problem}", style="red"))
        elif export.written or export.removed:
            rows = sum(part.rows for part in export.written)
            why = "; all of it, because its declaration has changed" if export.is_rewritten else ""
            if export.table is not None:
                days = count(len(export.written), "new part")
                lines.append(f"  {export.visible[0].path} in the lake: {days}, {count(rows, 'row')}{why}")
                continue
            files = f"{count(len(export.written), 'new file')}, {count(rows, 'row')}{why}"
            lines.append(f"  {place}/{export.name}/: {files}")
        if export.replaced:
            title = f"{export.name}: 〓 stands for characters that its encoding lacks"
            lines += problem_lists([(title, export.replaced, None)])
        if export.held_back:
            days = ", ".join(export.held_back[:3]) + (" …" if len(export.held_back) > 3 else "")
            lines.append(Text(f"{export.name}: held back, because a check of its mart failed: {days}", style="yellow"))
    if not lines:
        return Text("The exports are up to date.", style="bold")
    return Group(Text("\nExported", style="bold"), *lines)


def code_changes(works: Sequence[Work]) -> Iterator[RenderableType]:
    """What older code has built."""
    yield from problem_lists(
        [("Built by older code than there is now", [str(work) for work in works], "Build it again: vending run")]
    )
