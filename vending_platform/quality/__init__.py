"""How far the data can be trusted, as history: what every check of every run found, kept in `dq`.

A `Result` is one finding, in the same words whether a contract, a test of dbt or a figure's own past says it. `changes`
keeps a run's results, `measure` and `judged` make figures and tell the unusual ones, `read_quality` and `report` show
what there is. Who finds what is said by the rooms above.
"""

from vending_platform.quality.figures import Measured, measure
from vending_platform.quality.masking import personal_columns
from vending_platform.quality.normal import judged
from vending_platform.quality.reading import Quality, Score, from_json, read_quality
from vending_platform.quality.report import report
from vending_platform.quality.results import Dimension, FailedRow, Result, Severity, Status, stretches
from vending_platform.quality.tables import ROWS_KEPT, TABLES, Run, changes

__all__ = [
    "ROWS_KEPT",
    "TABLES",
    "Dimension",
    "FailedRow",
    "Measured",
    "Quality",
    "Result",
    "Run",
    "Score",
    "Severity",
    "Status",
    "changes",
    "from_json",
    "judged",
    "measure",
    "personal_columns",
    "read_quality",
    "report",
    "stretches",
]
