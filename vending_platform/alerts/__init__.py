"""Who gets alerts, and how.

Every look finds the problems there are now; `send_notifications` compares them with what was sent before, and sends
every channel what is new, what is still there (more and more seldom) and what is over; what a channel doesn't take is
sent later.
"""

from vending_platform.alerts.channels import (
    CLIENT_CONFIG,
    Channel,
    ChannelDown,
    Logged,
    Slack,
    Sns,
    Terminal,
    is_webhook,
)
from vending_platform.alerts.dead_letters import dead_letters
from vending_platform.alerts.logs import JsonLines, json_handler, log_as_json
from vending_platform.alerts.metrics import Number, Unit, measured
from vending_platform.alerts.notify import Finder, Notified, NotNow, look, send_notifications
from vending_platform.alerts.problem import Event, Found, Notification, Problem, ProblemKind, reconcile
from vending_platform.alerts.redaction import one_line, without_secrets
from vending_platform.alerts.routing import Alerting, in_the_cloud, on_a_laptop
from vending_platform.alerts.state import AlertState, Looked, recall

__all__ = [
    "CLIENT_CONFIG",
    "AlertState",
    "Alerting",
    "Channel",
    "ChannelDown",
    "Event",
    "Finder",
    "Found",
    "JsonLines",
    "Logged",
    "Looked",
    "NotNow",
    "Notification",
    "Notified",
    "Number",
    "Problem",
    "ProblemKind",
    "Slack",
    "Sns",
    "Terminal",
    "Unit",
    "dead_letters",
    "in_the_cloud",
    "is_webhook",
    "json_handler",
    "log_as_json",
    "look",
    "measured",
    "on_a_laptop",
    "one_line",
    "recall",
    "reconcile",
    "send_notifications",
    "without_secrets",
]
