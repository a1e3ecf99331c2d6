"""Each type of warehouse brings all that is its own; nothing outside `warehouse/` depends on which types there are."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml

from vending_platform import environment, warehouse
from vending_platform.doctor import checks_of
from vending_platform.environment import DBT_PROJECT_DIR, PROJECT_DIR, Environment, SettingsError, warehouse_types
from vending_platform.errors import ConfigurationError
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.warehouse import dagster_resource_of, kind_of
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import FILES
from vending_platform_tests.history import history_in
from vending_platform_tests.syntax import syntax_tree

NAMES = re.compile("duckdb|snowflake|redshift", re.IGNORECASE)
AS_A_LIBRARY = "DuckDB is the library that does this in memory, whatever the warehouse"
OF_THE_LAKE = "DuckDB is the library that reads and writes the lake's files, whatever the warehouse"
_OF_THE_LAKE = ("changes", "data_files", "engine", "reading", "sql/athena", "sql/naming", "sql/pruning", "sql/querying")
ALLOWED = {
    "vending_platform/dashboard.py": "the page's own engine, in the browser",
    "vending_platform/cli/lake.py": "its option --engine, which lets a person choose who answers",
    "vending_platform/extraction/changes.py": AS_A_LIBRARY,
    "vending_platform/extraction/dynamodb/documents.py": AS_A_LIBRARY,
    "vending_platform/extraction/dynamodb/reading.py": AS_A_LIBRARY,
    "vending_platform/extraction/engine.py": AS_A_LIBRARY,
    "vending_platform/ingestion/loading.py": AS_A_LIBRARY,
    "vending_platform/ingestion/packages/loading.py": AS_A_LIBRARY,
    "vending_platform/ingestion/same_keys.py": AS_A_LIBRARY,
    "vending_platform/ingestion/validation.py": AS_A_LIBRARY,
    "vending_platform/quality/anomalies.py": AS_A_LIBRARY,
    **{f"vending_platform/lake/{module}.py": OF_THE_LAKE for module in _OF_THE_LAKE},
}
"""The modules outside `warehouse/` whose code has the name of a warehouse, each with the reason."""


def named_in_code(module: Path) -> bool:
    """Docstrings and comments may have the names."""
    tree = syntax_tree(module)
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    values = (
        value
        for node in ast.walk(tree)
        if id(node) not in texts
        for _, field in ast.iter_fields(node)
        for value in (field if isinstance(field, list) else [field])
    )
    return any(isinstance(value, str) and NAMES.search(value) is not None for value in values)


def test_no_code_outside_knows_the_name_of_a_warehouse() -> None:
    assert all(NAMES.search(name) for name in warehouse_types()), "a new one belongs among the names"
    modules = {
        str(path.relative_to(PROJECT_DIR)): path
        for path in (PROJECT_DIR / "vending_platform").rglob("*.py")
        if path.relative_to(PROJECT_DIR).parts[1] != "warehouse"
    }
    assert {name for name, path in modules.items() if named_in_code(path)} == ALLOWED.keys()


@pytest.mark.parametrize(
    ("code", "is_named"),
    [
        ("def f(x):\n    'In a DuckDB file.'  # or Snowflake\n    return x", False),
        ("if x.type == 'snowflake':\n    pass", True),
        ("match x:\n    case DuckDBSettings():\n        pass", True),
        ("from vending_platform.warehouse.duckdb import KIND", True),
        ("isinstance(x, SnowflakeSettings)", True),
        ("x = f'{y} of Redshift'", True),
        ("def duckdb_file(): ...", True),
        ("f(snowflake=1)", True),
    ],
)
def test_a_name_is_found_wherever_code_has_it(tmp_path: Path, code: str, is_named: bool) -> None:
    (tmp_path / "module.py").write_text(code)
    assert named_in_code(tmp_path / "module.py") is is_named


@pytest.mark.parametrize("name", warehouse_types())
def test_a_type_is_found_by_its_name(name: str) -> None:
    kind = environment.warehouse_kind(name)
    assert isinstance(kind, warehouse.WarehouseKind)
    assert kind.name == name == kind.settings.model_fields["type"].default


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A third type of warehouse, which is nothing but a folder among the others."""
    folder = Path(__file__).parent / "third"
    monkeypatch.setattr(warehouse, "__path__", [*warehouse.__path__, str(folder)])
    yield "crate"
    for name in [name for name in sys.modules if name.startswith("vending_platform.warehouse.crate")]:
        del sys.modules[name]
    monkeypatch.delattr(warehouse, "crate")


def environment_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: dict[str, str]) -> Environment:
    """Development of a domain that declares this warehouse."""
    file = yaml.safe_load((DBT_PROJECT_DIR / "environments.yml").read_text())
    file["environments"]["development"]["warehouse"] = declared
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "environments.yml").write_text(yaml.safe_dump(file))
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    return environment.load(f"{tmp_path}/domain")


def test_a_third_warehouse_is_a_folder_and_a_value_in_the_environments(
    third: str, tmp_path: Path, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = environment_with(tmp_path, monkeypatch, {"type": third, "folder": "{data_dir}"})
    assert settings.warehouse.is_local
    (tmp_path / "sources").mkdir()
    for name, content in FILES.items():
        (tmp_path / "sources" / name).write_bytes(content)
    core.hand_over()
    platform = Platform(replace(settings, project_dir=core.project_dir), core.manifest)
    assert "crate" in {check.name for check in checks_of(lambda: platform.environment)}

    definitions = assemble(platform, {})
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert specs["marts/fct_sales"].kinds == {"dbt", "table", third}
    shown = specs["raw/sales"].metadata
    assert (shown["dagster/table_name"], shown["dagster/storage_kind"]) == ("Crate.Raw.Sales", third)
    with history_in(tmp_path / "dagster") as history:
        assert definitions.resolve_job_def("daily").execute_in_process(instance=history).success
    with duckdb.connect(tmp_path / "crate.db", read_only=True) as opened:
        for table in ("raw.sales", "marts.fct_sales", "dq.results_check"):
            ((rows,),) = opened.execute(f"select count(*) from {table}").fetchall()
            assert rows, table


def test_mistakes_in_its_settings_are_named_like_those_of_others(
    third: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as caught:
        environment_with(tmp_path, monkeypatch, {"type": third, "path": "x"})
    assert "environments.development.warehouse.folder is missing" in str(caught.value)
    assert "environments.development.warehouse.path is not a setting" in str(caught.value)


@pytest.mark.parametrize("name", ["development", "staging"])
def test_a_resource_of_another_type_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {"COMPANY": "hinode", "AWS_ACCOUNT": "123456789012", "SNOWFLAKE_ACCOUNT": "ab12345"}.items():
        monkeypatch.setenv(f"VENDING_{variable}", value) if name == "staging" else None
    monkeypatch.setenv("VENDING_ENV", name)
    monkeypatch.delenv("VENDING_DATA_DIR", raising=False)
    settings = environment.load()
    title = kind_of(settings.warehouse).title
    with pytest.raises(
        ConfigurationError, match=rf"the warehouse is (a )?{title}.* its resource has to be a {title}Resource"
    ):
        dagster_resource_of(settings.warehouse).through(settings, object())
