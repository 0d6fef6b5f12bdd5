"""A value that must be nowhere but where it is used: card numbers, PINs, one-time codes."""

import hmac
from typing import Final, NoReturn

MASK: Final = "****"
_SHORTEST_CARD = 12  # ISO/IEC 7812: the last four digits of a shorter number would tell too much of it


class Secret:
    """Sensitive text. repr, str and format are masked; it cannot be pickled, compared with ==, joined or serialised.

    Only `reveal` gives the text: lookups, the message port and the tokeniser call it, and nobody else.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        """Hide `text`."""
        self.__text = text

    def reveal(self) -> str:
        """The hidden text. Never log, store, speak or interpolate what this returns."""
        return self.__text

    def matches(self, text: str) -> bool:
        """Whether `text` is the hidden text, in constant time."""
        return hmac.compare_digest(self.__text.encode(), text.encode())

    def last_four(self) -> str:
        """The last four characters, as a receipt may show of a card; the mask when the text is shorter than a card."""
        return self.__text[-4:] if len(self.__text) >= _SHORTEST_CARD else MASK

    def __len__(self) -> int:
        return len(self.__text)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sensitive value cannot be pickled or copied")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a sensitive value cannot be compared with ==: use matches()")

    __hash__ = None  # type: ignore[assignment]
