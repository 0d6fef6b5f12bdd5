"""espeak-ng as an engine that takes its time: the plugin `tests.support.slow_voice:SlowVoice`."""

import time

from media.speech.espeak import Espeak
from media.speech.joining import Samples
from media.speech.tongue import Tongue

SLOWLY, TAKES_S = "despacio", 3.0


class SlowVoice(Espeak):
    """Sentences with the word `SLOWLY` take `TAKES_S` longer."""

    def speak(self, text: str, tongue: Tongue) -> Samples:
        """The text as speech."""
        if SLOWLY in text:
            time.sleep(TAKES_S)
        return super().speak(text, tongue)
