"""What a payment processor settles for the sales of a fleet, from a seed number, with the truth about it.

>>> settled = simulate(Path("data/sources"), seed=1)  # doctest: +SKIP

`settled.lines` has the processor's lines by day of sale, as its API reports them; `settled.planted` what it got wrong.
Nothing here shares code with the platform.
"""

from payments_simulator.simulation import Line, Planted, Settled, simulate

__all__ = ["Line", "Planted", "Settled", "simulate"]
