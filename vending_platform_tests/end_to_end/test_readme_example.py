"""A source, a mart and an export as the README and docs/adding-a-source.md write them: no rule objects, and it works.

The copy of the project has no sources and models of its own, so that it is quickly parsed.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlfluff

from vending_platform.environment import PROJECT_DIR
from vending_platform.exporting import export_all
from vending_platform.transformation import Project, transform
from vending_platform.warehouse.duckdb import dbt_connection
from vending_platform_tests.dbt_project.copies import Copy
from vending_platform_tests.ingestion.raw_folder import RawFolder

PAGES = ("README.md", "docs/adding-a-source.md")
BLOCK = re.compile(r"`(dbt_project/\S+)`:\n\n```(?:yaml|sql)\n(.*?)```", re.DOTALL)
UNREAD = "No model reads the source {} yet: its files are loaded, and no mart contains them."
FILE = """settlement_no,settled_on,shop,amount
1,2024-03-05,本店　,100.50
2,2024-03-05, 本店,200
3,2024-03-06,駅前,300
"""


def written_down(*pages: str) -> Iterator[tuple[str, str]]:
    for page in pages:
        yield from BLOCK.findall((PROJECT_DIR / page).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def newcomers(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    blocks = list(written_down(*PAGES))
    files = dict(blocks)
    assert len(files) == len(blocks) == 8, "every file is written down once"
    return Copy(tmp_path_factory.mktemp("newcomer"), files).make()


def test_it_follows_every_rule_of_style(newcomers: Copy) -> None:
    assert newcomers.verdicts() == (set(), set())


def test_its_sql_means_the_same_on_every_warehouse(newcomers: Copy) -> None:
    assert newcomers.objections() == set()


def test_its_sql_passes_the_linter(newcomers: Copy) -> None:
    for name, text in newcomers.files.items():
        if name.endswith(".sql"):
            assert sqlfluff.lint(text, config_path=str(PROJECT_DIR / ".sqlfluff")) == [], name


def test_a_file_becomes_its_exports(newcomers: Copy, tmp_path: Path) -> None:
    raw_folder = RawFolder(tmp_path, newcomers.catalog)
    raw_folder.deliver({"settlements_march.csv": FILE.encode()})
    assert [version.path for version in raw_folder.ingest().loaded] == ["settlements_march.csv"]
    connection = dbt_connection(tmp_path / "dbt_dev.duckdb")
    project = Project(newcomers.project_dir, tmp_path / "dbt", "development", 2, connection)
    done = transform(newcomers.catalog, raw_folder.context.warehouse, project, run_id="test")
    assert [(node.name, node.message) for node in done.failed] == []
    exported = export_all(
        newcomers.catalog, raw_folder.context.warehouse, raw_folder.context.storage.processed, run_id="test"
    )
    (csv,) = next(export.written for export in exported if export.name == "card_settlements")
    text = b"".join(raw_folder.context.storage.processed.read_path(csv.path)).decode("utf-8-sig")
    assert text.splitlines() == [
        '"settled_on","shop","settlements","amount_with_tax"',
        '2024-03-05,"本店",2,300.50',
        '2024-03-06,"駅前",1,300.00',
    ]
    (parquet,) = next(export.written for export in exported if export.name == "mart_card_settlements_parquet")
    assert parquet.rows == 2


def test_a_source_that_no_model_reads_yet_is_a_warning(tmp_path: Path) -> None:
    source, _ = written_down("README.md")
    assert Copy(tmp_path, dict([source])).make().verdicts() == (set(), {UNREAD.format("card_settlements")})


FIRST_TRY = {
    "dbt_project/models/staging/card_company/sources.yml": """
sources:
  - name: card_company
    schema: raw
    tables:
      - name: card_settlements
        config: {meta: {files: {names: ["settlements_{any}.csv"], delivery: append, key: [settlement_no]}}}
        columns:
          - {name: settlement_no, data_type: integer, config: {meta: {required: true}}}
          - {name: note, data_type: text}
""",
    "dbt_project/models/staging/card_company/card_settlements.sql": """
select
    settlement_no,
    trim(note) as note,
    strptime(note, '%Y') as year,
    regexp_extract(note, '[0-9]+') as shop,
    unnest(string_split(note, ',')) as tag,
    '{{ target.type }}' as warehouse
from {{ source('card_company', 'card_settlements') }}
""",
    "dbt_project/models/marts/card_company/mart_card_settlements.sql": "select * from {{ ref('card_settlements') }}",
    "dbt_project/models/marts/card_company/models.yml": """
models:
  - name: mart_card_settlements
    config: {contract: {enforced: false}}
    columns: [{name: settlement_no}, {name: amount, description: Yen.}]
exposures:
  - name: card_settlements_whole
    type: application
    owner: {name: data-team}
    depends_on: [ref('mart_card_settlements')]
    config: {meta: {export: {format: csv, encoding: utf-8, columns: [settlement_no]}}}
""",
}


ABOUT_ONE_NAME = {
    "No YAML describes {}: describe it under `models:` in a YAML file in its folder.",
    "Nothing tests the key of {}: add the data test `unique` to its column, or `unique_combination_of_columns` with the"
    " columns to the model.",
    "The source {} has no description: describe in its YAML what one row of its files is.",
    "{} has no description: describe in the YAML beside it what one row is.",
    "{} does not have its layer's name: stg_FOLDER__NAME or base_FOLDER__NAME in staging/FOLDER/, int_NAME in"
    " intermediate/, dim_NAME, fct_NAME or mart_NAME in marts/, in lower case.",
    "{} lists no columns: list them in the YAML beside it, each with a description.",
    "{}.note has no description: describe in its source's YAML what the column contains.",
    "{}.settlement_no has no description: describe in its source's YAML what the column contains.",
    "{}_whole has no description: describe in the exposure for whom it is and what it contains.",
}
ABOUT_THE_MART = {
    "Nothing tests the key of {}: add the data test `unique` to its column, or `unique_combination_of_columns` with the"
    " columns to the model.",
    "{} has no description: describe in the YAML beside it what one row is.",
    "{} is a mart and reads staging: put what joins, filters or adds up into an int_ model, and read that.",
    "{} is a mart: give each of its columns a `data_type` in its YAML, which dbt then enforces.",
    "{}.amount is money: let its name end in _with_tax or _without_tax, whichever it is.",
    "{}.settlement_no has no description: describe in its model's YAML what the column contains.",
}
INSTEAD = {
    "trim": "trimmed(…)",
    "strptime": "parsed_time(…) or parsed_date(…)",
    "regexp_extract": "matched_text(…)",
    **dict.fromkeys(("unnest", "explode", "split", "string_split"), "split_into_rows(…)"),
}


def test_a_first_attempt_gets_instructions(tmp_path: Path) -> None:
    copy = Copy(tmp_path, FIRST_TRY).make()
    failures, warnings = copy.verdicts()
    assert failures == {
        "card_company has no description: describe beside `name: card_company`, above its `tables`, who delivers them.",
        *(sentence.format("card_settlements") for sentence in ABOUT_ONE_NAME),
        *(sentence.format("mart_card_settlements") for sentence in ABOUT_THE_MART),
    }
    assert warnings == {
        "mart_card_settlements is not exported as Parquet yet: declare an export mart_card_settlements_parquet with"
        " `format: parquet`, as docs/exports.md explains."
    }
    assert copy.objections() == {
        "card_settlements: its SQL depends on the warehouse: put what differs into a macro with a variant"
        " for each, as docs/portable-sql.md shows.",
        *(
            f"card_settlements: not every warehouse understands `{written}`: write {instead};"
            " docs/portable-sql.md lists what is portable."
            for written, instead in INSTEAD.items()
        ),
    }
