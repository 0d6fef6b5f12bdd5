"""What is known of a call before anybody speaks, added to what it sounds like: bounded, and never against certainty.

The network tells how long a phone rang and what was heard before the answer; a centre's own calls teach what that says
of who answers (`dialer.ringing`). It arrives here as one number, log-odds of a person, and moves P(person):

* by `MOST_ODDS` at most, whatever was learnt;
* fully where sound and signalling agree, and less and less the surer the sound is of the contrary: what sounds like a
  person with 0.95 and more, or like a machine, no ringing can take back. So a short ring can call a person a person
  sooner and a doubtful recording a recording, but nobody who plainly is a person is hung up on for how long he let it
  ring.
"""

import math

import numpy as np
from numpy.typing import NDArray

MOST_ODDS = 1.5
CERTAIN = 0.95
_CERTAIN_ODDS = math.log(CERTAIN / (1.0 - CERTAIN))
_LEAST = 1e-6


def with_odds(probability: NDArray[np.float32], odds: NDArray[np.float32]) -> NDArray[np.float32]:
    """P(person) by sound (n,) moved by log-odds (n,); rises with both, and without odds is what it was."""
    moved = np.array(probability, dtype=np.float32)
    rows = np.flatnonzero(odds)
    if len(rows):
        sound = np.clip(probability[rows].astype(np.float64), _LEAST, 1.0 - _LEAST)
        by_sound = np.log(sound / (1.0 - sound))
        wanted = np.clip(odds[rows].astype(np.float64), -MOST_ODDS, MOST_ODDS)
        against = np.maximum(-np.sign(wanted) * by_sound, 0.0)  # how sure the sound is of the contrary
        share = np.clip(1.0 - against / _CERTAIN_ODDS, 0.0, 1.0)
        moved[rows] = 1.0 / (1.0 + np.exp(-by_sound - share * wanted))
    return moved
