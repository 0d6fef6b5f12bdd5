"""Words, signs and colours of the picture of a flow."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of node looks."""

    sign: str
    colour: str
    words: Mapping[str, str]


def _look(sign: str, colour: str, es: str, en: str) -> Look:
    return Look(sign, colour, {"es": es, "en": en})


_SAYS, _ASKS, _DECIDES, _PEOPLE, _OUTSIDE, _END = "#4a7", "#37c", "#b80", "#93c", "#789", "#c44"
KINDS: dict[str, Look] = {
    "say": _look("❝", _SAYS, "Dice", "Says"),
    "play": _look("♪", _SAYS, "Reproduce una grabación", "Plays a recording"),
    "menu": _look("☰", _ASKS, "Menú", "Menu"),
    "language": _look("Aa", _ASKS, "Idioma", "Language"),
    "collect": _look("#", _ASKS, "Pide dígitos", "Asks for digits"),
    "authenticate": _look("✓", _ASKS, "Comprueba la identidad", "Checks identity"),
    "survey": _look("★", _ASKS, "Encuesta", "Survey"),
    "payment": _look("$", _ASKS, "Cobra con tarjeta", "Takes a card payment"),
    "lookup": _look("⇄", _OUTSIDE, "Consulta datos", "Looks data up"),
    "send": _look("✉", _OUTSIDE, "Envía un mensaje", "Sends a message"),
    "escalate": _look("⚑", _OUTSIDE, "Avisa a otros", "Tells others"),
    "set": _look("=", _DECIDES, "Anota", "Notes"),
    "branch": _look("◇", _DECIDES, "Decide", "Decides"),
    "hours": _look("◷", _DECIDES, "Horario", "Opening hours"),
    "emergency": _look("!", _DECIDES, "Emergencia", "Emergency"),
    "goto": _look("→", _DECIDES, "Sigue en", "Goes to"),
    "queue": _look("☎", _PEOPLE, "Cola de agentes", "Queue for agents"),
    "transfer": _look("☎", _PEOPLE, "Transfiere", "Transfers"),
    "callback": _look("↩", _PEOPLE, "Ofrece devolver la llamada", "Offers a callback"),
    "voicemail": _look("●", _PEOPLE, "Buzón de voz", "Voicemail"),
    "record": _look("●", _ASKS, "Graba", "Records"),
    "goodbye": _look("■", _END, "Se despide", "Says good-bye"),
}

FAILURES: dict[str, dict[str, str]] = {
    "es": {
        "no_input": "Si no responde",
        "invalid": "Si marca mal",
        "failed": "Si algo falla",
        "timeout": "Si tarda demasiado",
        "not_found": "Si no existe",
        "wrong": "Si no coincide",
        "locked": "Si está bloqueado",
        "full": "Si la cola está llena",
        "no_agents": "Si no hay agentes",
        "busy": "Si comunica",
        "no_answer": "Si no contestan",
        "refused": "Si la tarjeta se rechaza",
        "cancelled": "Si cancela",
        "empty": "Si no dice nada",
        "no_number": "Si no hay número",
    },
    "en": {
        "no_input": "No answer",
        "invalid": "Wrong keys",
        "failed": "Something fails",
        "timeout": "Takes too long",
        "not_found": "Not found",
        "wrong": "Does not match",
        "locked": "Locked",
        "full": "Queue is full",
        "no_agents": "No agents",
        "busy": "Busy",
        "no_answer": "No reply",
        "refused": "Card refused",
        "cancelled": "Cancelled",
        "empty": "Says nothing",
        "no_number": "No number",
    },
}

TITLES = {
    "es": "{entered} llamadas, {left} cuelgan aquí ({share:.0f} %)",
    "en": "{entered} calls, {left} hang up here ({share:.0f} %)",
}

_BRANCHES: dict[str, dict[str, str]] = {
    "es": {
        "next": "",
        "to": "",
        "else": "si no",
        "open": "abierto",
        "closed": "cerrado",
        "holiday": "festivo",
        "on": "activada",
        "declined": "no quiere",
        "survey": "encuesta",
        "go": "si",
    },
    "en": {
        "next": "",
        "to": "",
        "else": "otherwise",
        "declined": "declines",
        "go": "if",
    },
}


def branch_words(branch: str, speaks: str) -> str:
    """What stands at a line: a key as a key, the rest in words."""
    if len(branch) == 1 and branch in "0123456789*#":
        return f"[{branch}]"
    if branch.startswith("case "):
        return f"({branch.removeprefix('case ')})"
    language = speaks[:2] if speaks[:2] in _BRANCHES else "en"
    return {**FAILURES[language], **_BRANCHES[language]}.get(branch, branch)
