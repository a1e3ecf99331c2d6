"""Who is told, and how.

Every look finds the problems there are now; `tell` holds them against what was told before, and says what is new, what
still is (more and more seldom) and what is over, to every channel; what a channel doesn't take is told it later.
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
from vending_platform.alerts.memory import Looked, Memory, recall
from vending_platform.alerts.metrics import Number, Unit, measured
from vending_platform.alerts.plain import one_line, without_secrets
from vending_platform.alerts.problem import Event, Found, Kind, Message, Problem, reconcile
from vending_platform.alerts.telling import Finder, NotNow, Told, look, tell
from vending_platform.alerts.who import Alerting, in_the_cloud, on_a_laptop

__all__ = [
    "CLIENT_CONFIG",
    "Alerting",
    "Channel",
    "ChannelDown",
    "Event",
    "Finder",
    "Found",
    "JsonLines",
    "Kind",
    "Logged",
    "Looked",
    "Memory",
    "Message",
    "NotNow",
    "Number",
    "Problem",
    "Slack",
    "Sns",
    "Terminal",
    "Told",
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
    "tell",
    "without_secrets",
]
