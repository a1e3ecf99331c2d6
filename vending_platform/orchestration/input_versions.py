"""What a materialization rests on, as Dagster records it where it makes the asset itself: of jobs it does not know what
they make. Without it Dagster takes whatever a job has built for out of date."""

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    DEFAULT_DATA_VERSION,
    INPUT_DATA_VERSION_TAG_PREFIX,
    INPUT_EVENT_POINTER_TAG_PREFIX,
    NULL_EVENT_POINTER,
    extract_data_version_from_entry,
)


def inputs_of(history: dg.DagsterInstance, spec: dg.AssetSpec) -> dict[str, str]:
    """Tags: of what it is built from, the versions that there are now; and its own code."""
    tags = {CODE_VERSION_TAG: spec.code_version} if spec.code_version else {}
    latest = history.event_log_storage.get_maximum_record_id()
    for dependency in spec.deps:
        key = dependency.asset_key
        record = history.get_latest_data_version_record(key)
        version = extract_data_version_from_entry(record.event_log_entry) if record is not None else None
        name = key.to_user_string()
        tags[f"{INPUT_DATA_VERSION_TAG_PREFIX}/{name}"] = (version or DEFAULT_DATA_VERSION).value
        tags[f"{INPUT_EVENT_POINTER_TAG_PREFIX}/{name}"] = str(latest) if latest is not None else NULL_EVENT_POINTER
    return tags


def data_version(version: str | None) -> dict[str, str]:
    """Tags: the raw version in the ledger, which is the same as long as the same deliveries are behind it."""
    return {DATA_VERSION_TAG: version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"} if version else {}
