"""The checks on deliveries, as Dagster shows them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from vending_platform.catalog import Catalog, Grain
from vending_platform.ingestion import DeliveryStatus, Overview
from vending_platform.orchestration.metadata import Metadata, rejected_rows_table, rows_table
from vending_platform.orchestration.names import DELIVERIES, raw_key
from vending_platform.transformation import BlockedDay

CONTRACT_HELD = "contract_held"
DELIVERY_COMPLETE = "delivery_complete"
NO_UNDECLARED_FILES = "no_undeclared_files"


@dataclass(frozen=True)
class CheckResult:
    """What became of one check; `blocks` says that something downstream waits for a person because of it."""

    asset_key: dg.AssetKey
    name: str
    passed: bool
    description: str
    metadata: Metadata
    blocks: bool = False

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.ERROR if self.blocks else dg.AssetCheckSeverity.WARN

    def as_result(self) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=self.passed,
            asset_key=self.asset_key,
            check_name=self.name,
            severity=self.severity,
            description=self.description,
            metadata=self.metadata,
        )

    def as_evaluation(self) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=self.asset_key,
            check_name=self.name,
            passed=self.passed,
            severity=self.severity,
            description=self.description,
            metadata={name: dg.MetadataValue.text(v) if isinstance(v, str) else v for name, v in self.metadata.items()},
        )


def raw_checks(
    catalog: Catalog, status: DeliveryStatus, now: Overview, blocked: Sequence[BlockedDay]
) -> Iterator[CheckResult]:
    """About everything that is delivered, not about one run's days: a good day must not hide a bad one."""
    for source in catalog:
        broken = [row for row in status.quarantined if row["source"] == source.name]
        drifted = [row for row in status.drifted if source.match(row["path"])]
        rejected = status.rows.get(source.name, {}).get("rejected", 0)
        waiting = [block for block in blocked if block.source == source.name]
        deviations = [
            *(f"{block.business_date or 'everything'} waits: {block.reason}" for block in waiting),
            *([f"files in quarantine: {len(broken)}"] if broken else []),
            *([f"rows rejected: {rejected}"] if rejected else []),
            *([f"files not quite as declared: {len(drifted)}"] if drifted else []),
        ]
        metadata: dict[str, Any] = {"files in quarantine": len(broken), "rows rejected": rejected}
        if broken or drifted:
            metadata["files"] = rows_table(
                [{"file": row["path"], "problem": row.get("reason") or row["drift"]} for row in (*broken, *drifted)]
            )
        if rejects := now.rejects.get(source.name):
            metadata["first rejected rows"] = rejected_rows_table(rejects)
        yield CheckResult(
            raw_key(source.name),
            CONTRACT_HELD,
            passed=not deviations,
            description="; ".join(deviations) or "every current file is as its contract says",
            metadata=metadata,
            blocks=bool(waiting),
        )
        if source.files.known_from is not None:
            sender = source.files.sender_name or "sender"
            period = (source.grain or Grain.DAY).value
            missing = [row for row in status.missing if row["source"] == source.name]
            days = sorted({row["business_day"] for row in missing})
            yield CheckResult(
                raw_key(source.name),
                DELIVERY_COMPLETE,
                passed=not missing,
                description=f"{sender} {period}s missing: {len(missing)}, from {days[0]} to {days[-1]}"
                if missing
                else f"every {sender} delivered for every {period} for which it was due",
                metadata={f"missing {sender} {period}s": len(missing)}
                | (
                    {"missing": rows_table([{sender: r["sender"], period: r["business_day"]} for r in missing])}
                    if missing
                    else {}
                ),
            )
    yield CheckResult(
        DELIVERIES,
        NO_UNDECLARED_FILES,
        passed=not status.undeclared,
        description=f"files of no declared kind: {len(status.undeclared)}"
        if status.undeclared
        else "every file is of a declared kind",
        metadata={"files": rows_table(status.undeclared)} if status.undeclared else {},
    )


def log_check(context: dg.OpExecutionContext, evaluation: dg.AssetCheckEvaluation) -> None:
    context.log_event(evaluation)  # type: ignore[arg-type]  # it takes them; only its annotation forgot them
