"""What the engine itself says, in Spanish and English."""

from enum import StrEnum

from ivr.texts import Text, read_text


class Phrase(StrEnum):
    """A sentence of the engine."""

    NO_INPUT = "no_input"
    INVALID = "invalid"
    ONE_MOMENT = "one_moment"
    TO_A_PERSON = "to_a_person"
    CALL_YOU_BACK = "call_you_back"
    SORRY = "sorry"
    CORRECT = "correct"
    POSITION = "position"
    POSITION_AND_WAIT = "position_and_wait"
    WRONG_IDENTITY = "wrong_identity"
    CODE_SENT = "code_sent"
    CODE_MESSAGE = "code_message"
    CALLBACK_OFFER = "callback_offer"
    CALLBACK_DONE = "callback_done"
    THIS_NUMBER = "this_number"
    TYPE_NUMBER = "type_number"
    MESSAGE_KEPT = "message_kept"
    CARD_NUMBER = "card_number"
    CARD_EXPIRY = "card_expiry"
    CARD_CODE = "card_code"


def _both(es: str, en: str) -> Text:
    return read_text({"es": es, "en": en})


PHRASES: dict[Phrase, Text] = {
    Phrase.NO_INPUT: _both("No hemos recibido su respuesta.", "We did not get your answer."),
    Phrase.INVALID: _both("Esa opción no es válida.", "That is not a valid choice."),
    Phrase.ONE_MOMENT: _both("Un momento, por favor.", "One moment, please."),
    Phrase.TO_A_PERSON: _both(
        "En este momento no podemos completar su solicitud. Le comunicamos con una persona.",
        "We cannot complete your request right now. We are putting you through to a person.",
    ),
    Phrase.CALL_YOU_BACK: _both(
        "En este momento nadie puede atenderle. Le devolveremos la llamada a este número lo antes posible. Gracias.",
        "Nobody can take your call right now. We will call you back on this number as soon as possible. Thank you.",
    ),
    Phrase.SORRY: _both(
        "Lo sentimos, en este momento no podemos atender su llamada. Por favor, vuelva a llamar más tarde. Gracias.",
        "We are sorry, we cannot take your call right now. Please call again later. Thank you.",
    ),
    Phrase.CORRECT: _both(
        "Ha marcado {entered}. Si es correcto, pulse 1. Para corregirlo, pulse 2.",
        "You entered {entered}. If that is right, press 1. To change it, press 2.",
    ),
    Phrase.POSITION: _both(
        "Su posición en la cola es la número {position:number}.", "You are number {position:number} in the queue."
    ),
    Phrase.POSITION_AND_WAIT: _both(
        "Su posición en la cola es la número {position:number}. El tiempo de espera es de {wait_s:duration}.",
        "You are number {position:number} in the queue. The waiting time is {wait_s:duration}.",
    ),
    Phrase.WRONG_IDENTITY: _both("Los datos no coinciden.", "Those details do not match."),
    Phrase.CODE_SENT: _both(
        "Le hemos enviado un código de {length:number} cifras. Márquelo ahora.",
        "We have sent you a code of {length:number} digits. Please enter it now.",
    ),
    Phrase.CODE_MESSAGE: _both("Su código es", "Your code is"),
    Phrase.CALLBACK_OFFER: _both(
        "Si prefiere que le llamemos sin perder su turno, pulse 1. Para seguir, pulse 2.",
        "If you would like us to call you back and keep your place, press 1. To go on, press 2.",
    ),
    Phrase.THIS_NUMBER: _both(
        "Para que le llamemos al {phone:phone}, pulse 1. Para indicar otro número, pulse 2.",
        "To be called on {phone:phone}, press 1. To give another number, press 2.",
    ),
    Phrase.TYPE_NUMBER: _both(
        "Marque el número de teléfono y termine con la tecla almohadilla.",
        "Please enter the telephone number, followed by the hash key.",
    ),
    Phrase.CALLBACK_DONE: _both("De acuerdo, le llamaremos. Gracias.", "All right, we will call you. Thank you."),
    Phrase.MESSAGE_KEPT: _both("Hemos guardado su mensaje. Gracias.", "Your message has been saved. Thank you."),
    Phrase.CARD_NUMBER: _both(
        "Marque el número de su tarjeta y termine con la tecla almohadilla.",
        "Please enter your card number, followed by the hash key.",
    ),
    Phrase.CARD_EXPIRY: _both(
        "Marque la fecha de caducidad: dos cifras del mes y dos del año.",
        "Please enter the expiry date: two digits for the month and two for the year.",
    ),
    Phrase.CARD_CODE: _both(
        "Marque el código de seguridad y termine con la tecla almohadilla.",
        "Please enter the security code, followed by the hash key.",
    ),
}
