"""Machines of other makers: greetings read by espeak-ng in several languages, when it is installed."""

import io
import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
import soundfile
import soxr

from amd.training.clips import Clip, trim
from media.frames import SAMPLE_RATE_HZ

GREETINGS: dict[str, tuple[str, ...]] = {
    "en-us": (
        "Hello. You have reached the voice mailbox of {}. Please leave a message after the tone.",
        "The person you are calling is not available at the moment. Please try again later.",
        "Thank you for calling. All our lines are busy. Your call will be answered in turn.",
        "Hi, this is {}. I can't take your call right now. Leave your name and number.",
        "The number you have dialled is not in service. Please check the number and dial again.",
        "Welcome. Our offices are closed. We open on Monday at nine.",
        "Hi, if you record your name and reason for calling, I will see if this person is available.",
    ),
    "es": (
        "Hola. Este es el buzón de voz de {}. Deje su mensaje después de la señal.",
        "El número que ha marcado no existe. Por favor, compruébelo y vuelva a llamar.",
        "El teléfono al que llama está apagado o fuera de cobertura en este momento.",
        "Gracias por llamar. Todos nuestros agentes están ocupados. Espere, por favor.",
        "No puedo atenderle ahora. Deje su nombre y su número y le llamaré.",
        "Bienvenido. Si conoce la extensión, márquela ahora.",
    ),
    "pt-br": (
        "Olá. Você ligou para {}. Deixe seu recado após o sinal.",
        "Sua chamada está sendo encaminhada para a caixa postal e estará sujeita a cobrança.",
        "O número chamado não está disponível. Tente novamente mais tarde.",
    ),
    "fr": (
        "Bonjour. Vous êtes bien sur la messagerie de {}. Laissez un message après le bip.",
        "Le numéro que vous avez composé n'est pas attribué. Veuillez consulter l'annuaire.",
        "Tous nos conseillers sont en ligne. Merci de patienter.",
    ),
    "de": (
        "Guten Tag. Der Teilnehmer ist zur Zeit nicht erreichbar. Bitte versuchen Sie es später noch einmal.",
        "Sie sind verbunden mit dem Anschluss von {}. Bitte hinterlassen Sie eine Nachricht.",
        "Kein Anschluss unter dieser Nummer. Bitte wählen Sie neu.",
    ),
    "it": (
        "Salve. Risponde la segreteria telefonica di {}. Lasciate un messaggio dopo il segnale.",
        "Il cliente da lei chiamato non è al momento raggiungibile. La preghiamo di richiamare più tardi.",
    ),
}
NAMES = ("Maria", "five five five, one two three four", "Robert Smith")
STYLES = (("", 150, 50), ("+m3", 135, 40), ("+f2", 165, 60), ("+f4", 145, 45), ("+m7", 180, 55))


class SpeakerMissing(Exception):
    """espeak-ng is not installed: `apt-get install espeak-ng`."""


def espeak_greetings(styles: int = len(STYLES)) -> Iterator[Clip]:
    """Every greeting in every style. Raises SpeakerMissing when espeak-ng is not there."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise SpeakerMissing("training wants synthetic voices: apt-get install espeak-ng, or pass --no-synthetic")
    for voice, texts in GREETINGS.items():
        for number, text in enumerate(texts):
            for variant, speed, pitch in STYLES[:styles]:
                words = text.format(NAMES[(number + speed) % len(NAMES)])
                yield _say(program, voice, variant, speed, pitch, words)


def _say(program: str, voice: str, variant: str, speed: int, pitch: int, words: str) -> Clip:
    command = [program, "--stdout", "-v", voice + variant, "-s", str(speed), "-p", str(pitch), words]
    told = subprocess.run(command, check=True, capture_output=True)
    samples, rate_hz = soundfile.read(io.BytesIO(told.stdout), dtype="float32")
    wave = np.asarray(soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ), dtype=np.float32)
    return Clip("machine_greeting", "espeak", f"espeak_{voice}{variant}", voice[:2], trim(wave))
