"""Compile the inner loops of AMD and pacing: half a minute on a machine's first start, then read from a cache.

`make setup` runs this module, so that no first call waits for a compiler.
"""

from amd import bank
from dialer.pacing import counted, hazard


def compile_all() -> None:
    """Compile what is compiled at run time. Blocking."""
    bank.warm_up()
    hazard.warm_up()
    counted.warm_up()


if __name__ == "__main__":
    compile_all()
