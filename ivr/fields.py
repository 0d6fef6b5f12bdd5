"""Field types of flow files: the checker finds every branch, expression and text of a node by their class."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from ivr.expression import Expression, ExpressionError, parse_expression

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,59}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A name that a flow gives: of a node, a variable, a question."""

Outside = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\w.@+-]+$")]
"""A name that the settings give: of a source, a queue, a hook, a mailbox."""

Key = Annotated[str, Field(pattern=r"^[0-9*#]$")]
"""One key of a telephone."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Tries = Annotated[int, Field(ge=1, le=9)]


class NodeName(str):
    """The name of a node to go to."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(pattern=NAME_PATTERN))


class VariableName(str):
    """The name of a variable that a node fills."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(pattern=NAME_PATTERN))


class Formula:
    """A parsed expression in a flow file."""

    __slots__ = ("expression",)

    def __init__(self, expression: Expression) -> None:
        """Wrap a parsed expression."""
        self.expression = expression

    @classmethod
    def read(cls, raw: Any) -> "Formula":
        """Parse what a file says. Raises ValueError."""
        if isinstance(raw, Formula):
            return raw
        if isinstance(raw, bool):
            raw = "true" if raw else "false"
        if not isinstance(raw, str | int | float):
            raise ValueError("is no expression: write one such as `balance > 0`, 5 or \"'a text'\"")
        try:
            return cls(parse_expression(str(raw)))
        except ExpressionError as error:
            raise ValueError(str(error)) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"description": "An expression: balance > 0 and known(name)", "type": ["string", "number", "boolean"]}


class Part(BaseModel):
    """Something in a flow file: unknown fields are mistakes, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)
