"""Production's Dagster instance, made of its own settings without any server."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._core.instance.ref import InstanceRef

from vending_platform.environment import PROJECT_DIR

SETTINGS = PROJECT_DIR / "deployment" / "dagster.yaml"
VARIABLES = {
    "DAGSTER_POSTGRES_HOST": "db.invalid",
    "DAGSTER_POSTGRES_DB": "dagster",
    "DAGSTER_POSTGRES_USER": "vending",
    "DAGSTER_POSTGRES_PASSWORD": "p@ss/word",
    "DAGSTER_LOGS_BUCKET": "hinode-vending-data-prod",
}


def production_instance(folder: Path, monkeypatch: pytest.MonkeyPatch, **added: Any) -> InstanceRef:
    """What Dagster makes of `deployment/dagster.yaml` and a block that an operator adds. The database counts as set up,
    which is all that it would be used for."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    settings = yaml.safe_load(SETTINGS.read_text())
    settings["storage"]["postgres"]["should_autocreate_tables"] = False
    settings["compute_logs"]["config"]["local_dir"] = str(folder / "logs")
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings | added))
    return InstanceRef.from_dir(str(folder))
