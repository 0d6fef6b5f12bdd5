"""Compile the inner loops of AMD and pacing: a minute on a machine's first start, then read from a cache.

`make setup` runs this module, so that no first call, and no first simulated shift, waits for a compiler.
"""

from amd import bank
from dialer.pacing import counted, hazard


def compile_all() -> None:
    """Compile what is compiled at run time. Blocking."""
    bank.warm_up()
    hazard.warm_up()
    counted.warm_up()


def compile_simulator() -> None:
    """Compile the pacing simulator: most of a minute on one core. Blocking. Imported here: no server needs it."""
    from dialer.pacing.sim.laws import law_named
    from dialer.pacing.sim.run import simulate
    from dialer.pacing.sim.scenario import Scenario

    simulate(Scenario("warm", hours=0.02), law_named("hazard"), 2, 1)


if __name__ == "__main__":
    compile_all()
    compile_simulator()
