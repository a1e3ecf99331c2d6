"""`make quick` chooses the tests that are nearest to a change, and no more than fit into its time."""

from pathlib import Path

from vending_platform_tests.quick import imported, nearest_first, within

IMPORTS = {
    "vending_platform_tests/alerts/test_formatting.py": frozenset({"vending_platform.alerts.formatting"}),
    "vending_platform_tests/alerts/test_logs.py": frozenset({"vending_platform.alerts", "vending_platform.alerts.X"}),
    "vending_platform_tests/dbt_project/test_money.py": frozenset({"vending_platform_tests.dbt_project.dbt"}),
    "vending_platform_tests/test_stopping.py": frozenset({"vending_platform"}),
}


def chosen(*changed: str) -> dict[str, int]:
    found = nearest_first(changed, IMPORTS, IMPORTS)
    return {module.removeprefix("vending_platform_tests/"): distance for module, distance in found.items()}


def test_the_nearest_tests_come_first() -> None:
    assert chosen("vending_platform/alerts/formatting.py") == {"alerts/test_formatting.py": 1, "alerts/test_logs.py": 3}
    assert chosen("vending_platform/alerts/__init__.py") == {"alerts/test_logs.py": 2}
    assert chosen("vending_platform_tests/test_stopping.py", "vending_platform/stopping.py") == {"test_stopping.py": 0}
    assert chosen("vending_platform_tests/dbt_project/dbt.py") == {"dbt_project/test_money.py": 2}
    assert chosen("dbt_project/macros/money.sql") == {"dbt_project/test_money.py": 2}
    assert chosen("LICENSE") == {}


def test_what_does_not_fit_is_left_out_but_never_what_changed_itself() -> None:
    seconds = {"near": 50.0, "slow": 20.0, "far": 5.0, "changed": 100.0}
    assert within(60, {"near": 1, "slow": 2, "new": 2, "far": 3}, seconds) == (["near", "new", "far"], ["slow"])
    assert within(60, {"changed": 0, "near": 1}, seconds) == (["changed"], ["near"])


def test_imports_are_read_in_every_form(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("import a.b\nfrom c.d import e\nif True:\n    from f import g\n")
    assert imported(path) == {"a.b", "c.d", "c.d.e", "f", "f.g"}
