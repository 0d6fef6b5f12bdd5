"""How a source is declared."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from ivr.fields import Outside, Part

_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")


class HttpSource(Part):
    """A JSON service. GET asks by query string, POST by a JSON body; 404 means "no such thing".

    Sensitive values never go into a query string: such a source must be POST. headers: the value may be a secret.
    repeatable: asking twice is harmless (taken for granted with GET).
    """

    kind: Literal["http"]
    name: Outside
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    repeatable: bool | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    inside: str = ""  # the field of the answer that holds the fields


class SqlSource(Part):
    """One statement with :parameters, named like the question's. Its first row is the answer, no row "no such thing".

    writes: the statement changes rows: it is committed, and never repeated.
    """

    kind: Literal["sql"]
    name: Outside
    url: SecretStr
    statement: str
    writes: bool = False

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        if ";" in self.statement.strip().rstrip(";"):
            raise ValueError("more than one statement: write one, with :parameters for what the flow asks")
        return self

    def parameters(self) -> frozenset[str]:
        """The names of its parameters."""
        return frozenset(_PARAMETER.findall(self.statement))


class PluginSource(Part):
    """A function of a Python module: `async def answer(question: dict[str, object]) -> dict[str, object] | None`."""

    kind: Literal["plugin"]
    name: Outside
    function: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    repeatable: bool = False


Source = Annotated[HttpSource | SqlSource | PluginSource, Field(discriminator="kind")]
