"""The drivers' and customers' app from a seed number: the items of its one table in DynamoDB, and what is true of them.

>>> app = simulate(Path("data/sources"), seed=1)  # doctest: +SKIP
>>> fill(client, "app", app)  # doctest: +SKIP

It happens to the fleet whose files are in the folder: refunds are asked for vends that failed there, and for some that
did not; drivers check in where machines were filled, and forget to. `living` goes on with it. Nothing here shares code
with the platform.
"""

from app_simulator.filling import fill, put
from app_simulator.fleet import Fleet, fleet_of
from app_simulator.living import forget_customer, late_request, one_more_day
from app_simulator.simulation import App, Truth, simulate

__all__ = [
    "App",
    "Fleet",
    "Truth",
    "fill",
    "fleet_of",
    "forget_customer",
    "late_request",
    "one_more_day",
    "put",
    "simulate",
]
