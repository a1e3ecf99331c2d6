"""How far the data can be trusted, as history: what every check of every run found, kept in `dq`.

A `Result` is one finding, in one form, whether of a contract, a test of dbt or a figure's own past. `changes`
keeps a run's results, `measure` and `judged` make figures and find the unusual ones, `read_quality` and `report` show
what there is. The layer above decides what to check; until a result is recorded it is noted beside what it is about.
"""

from vending_platform.quality.anomalies import judged
from vending_platform.quality.causes import Cause, causes
from vending_platform.quality.masking import is_personal, masked_words, personal_columns
from vending_platform.quality.measures import Measured, measure
from vending_platform.quality.report import report
from vending_platform.quality.results import CheckStatus, Dimension, FailedRow, Result, Severity, stretches
from vending_platform.quality.scores import Quality, Score, from_json, read_quality
from vending_platform.quality.tables import ROWS_KEPT, TABLES, RunRecord, changes

__all__ = [
    "ROWS_KEPT",
    "TABLES",
    "Cause",
    "CheckStatus",
    "Dimension",
    "FailedRow",
    "Measured",
    "Quality",
    "Result",
    "RunRecord",
    "Score",
    "Severity",
    "causes",
    "changes",
    "from_json",
    "is_personal",
    "judged",
    "masked_words",
    "measure",
    "personal_columns",
    "read_quality",
    "report",
    "stretches",
]
