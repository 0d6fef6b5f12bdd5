"""The garbage collector of a process that must never pause for long."""

import gc

# Calls make and drop many small objects that reference counts free at once; cycles are few. Defaults (700, 10, 10) cost
# a tenth of the CPU at 50 calls a second, and look at every module's objects again and again.
_THRESHOLDS = (10_000, 20, 50)


def settle_memory() -> None:
    """Call once when everything is loaded: what is there now stays, and is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
