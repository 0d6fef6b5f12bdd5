"""How a source is declared."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from ivr.fields import Outside, Part

_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")


class Declared(Part):
    """What every source has.

    timeout_s: of one attempt. retries: more attempts after one that failed, only when asking twice is harmless.
    failures, rest_s: after so many failures in a row the source rests, and its callers take their branch at once.
    """

    name: Outside
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    retries: Annotated[int, Field(ge=0, le=3)] = 0
    failures: Annotated[int, Field(ge=1, le=100)] = 5
    rest_s: Annotated[float, Field(gt=0, le=3600)] = 30.0


class HttpSource(Declared):
    """A JSON service. GET asks by query string, POST by a JSON body; 404 means "no such thing".

    Sensitive values never go into a query string: such a source must be POST. headers: the value may be a secret.
    repeatable: asking twice is harmless (taken for granted with GET).
    """

    kind: Literal["http"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    repeatable: bool | None = None
    inside: str = ""  # the field of the answer that holds the fields


class SqlSource(Declared):
    """One statement with :parameters, named like the question's. Its first row is the answer, no row "no such thing".

    writes: the statement changes rows: it is committed, and never repeated. connections: statements at once; more wait.
    """

    kind: Literal["sql"]
    url: SecretStr
    statement: str
    writes: bool = False
    connections: Annotated[int, Field(ge=1, le=50)] = 4

    @model_validator(mode="after")
    def _one_statement(self) -> Self:
        if ";" in self.statement.strip().rstrip(";"):
            raise ValueError("more than one statement: write one, with :parameters for what the flow asks")
        return self

    def parameters(self) -> frozenset[str]:
        """The names of its parameters."""
        return frozenset(_PARAMETER.findall(self.statement))


class PluginSource(Declared):
    """A function of a Python module: `async def answer(question: dict[str, object]) -> dict[str, object] | None`."""

    kind: Literal["plugin"]
    function: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    repeatable: bool = False


Source = Annotated[HttpSource | SqlSource | PluginSource, Field(discriminator="kind")]
