"""How results are shown to a person: what happened, then what needs them, then what to do about it."""

from vending_platform.cli.views.anonymised import anonymised_view
from vending_platform.cli.views.builds import exported_view, plan_view, transformed_view
from vending_platform.cli.views.connected import connections_view
from vending_platform.cli.views.doctor import diagnosis_view
from vending_platform.cli.views.due import due_view
from vending_platform.cli.views.extracted import extracted_view
from vending_platform.cli.views.lineage import outbox_view, sent_view, way_view
from vending_platform.cli.views.loads import checked_package_view, checked_view, summary_view
from vending_platform.cli.views.quality import quality_view
from vending_platform.cli.views.status import status_view
from vending_platform.cli.views.trace import trace_view

__all__ = [
    "anonymised_view",
    "checked_package_view",
    "checked_view",
    "connections_view",
    "diagnosis_view",
    "due_view",
    "exported_view",
    "extracted_view",
    "outbox_view",
    "plan_view",
    "quality_view",
    "sent_view",
    "status_view",
    "summary_view",
    "trace_view",
    "transformed_view",
    "way_view",
]
