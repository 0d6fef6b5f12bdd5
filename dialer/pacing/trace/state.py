"""A pacing law's whole state as plain data and back, exactly: what a replay starts from.

Arrays keep their bits (packed when they are long: most of a long one is empty), floats their shortest exact text. Only
classes of pacing and campaigns are made again, whatever a file says.
"""

import base64
import importlib
import math
import zlib
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OURS = ("dialer.pacing.", "campaigns.")
_LONG_BYTES = 8192
_KIND, _CLASS, _VALUE = "!", "c", "v"


class StateError(ValueError):
    """A state cannot be written or read; the message names the class."""


def freeze(value: Any) -> Any:
    """Plain data (for JSON) that `thaw` turns into an equal value. Raises StateError."""
    match value:
        case Enum():
            return {_KIND: "enum", _CLASS: _name(type(value)), _VALUE: value.value}
        case np.ndarray():
            return _array(np.ascontiguousarray(value))
        case np.generic():
            return freeze(value.item())
        case float() if not math.isfinite(value):
            return {_KIND: "float", _VALUE: repr(value)}
        case None | bool() | int() | float() | str():
            return value
        case tuple() if hasattr(value, "_fields"):
            return {_KIND: "named", _CLASS: _name(type(value)), _VALUE: [freeze(each) for each in value]}
        case list():
            return [freeze(each) for each in value]
        case tuple():
            return {_KIND: "tuple", _VALUE: [freeze(each) for each in value]}
        case set() | frozenset():
            return {_KIND: type(value).__name__, _VALUE: [freeze(each) for each in sorted(value)]}
        case dict():
            return {_KIND: "dict", _VALUE: [[freeze(key), freeze(each)] for key, each in value.items()]}
    return {_KIND: "object", _CLASS: _name(type(value)), _VALUE: {k: freeze(v) for k, v in _attributes(value).items()}}


def thaw(data: Any) -> Any:
    """The value that `freeze` wrote. Raises StateError."""
    if isinstance(data, list):
        return [thaw(each) for each in data]
    if not isinstance(data, dict):
        return data
    value = data[_VALUE]
    match data[_KIND]:
        case "enum":
            return _class(data[_CLASS])(value)
        case "array":
            bits = base64.b64decode(value)
            return np.frombuffer(zlib.decompress(bits) if data.get("z") else bits, data["d"]).reshape(data["s"]).copy()
        case "float":
            return float(value)
        case "named":
            return _class(data[_CLASS])(*(thaw(each) for each in value))
        case "tuple":
            return tuple(thaw(each) for each in value)
        case "set" | "frozenset" as kind:
            members = (thaw(each) for each in value)
            return set(members) if kind == "set" else frozenset(members)
        case "dict":
            return {thaw(key): thaw(each) for key, each in value}
        case "object":
            made = object.__new__(_class(data[_CLASS]))
            for name, each in value.items():
                object.__setattr__(made, name, thaw(each))
            _complete(made)
            return made
    raise StateError(f"{data[_KIND]!r} is no kind of value: the trace is damaged, or of another version")


def _array(value: NDArray[Any]) -> dict[str, Any]:
    bits = value.tobytes()
    shape: dict[str, Any] = {_KIND: "array", "d": value.dtype.str, "s": list(value.shape)}
    if len(bits) > _LONG_BYTES:
        bits = zlib.compress(bits, 1)
        shape["z"] = 1
    return shape | {_VALUE: base64.b64encode(bits).decode()}


def _complete(made: Any) -> None:
    """What an older version did not have yet: settings by their defaults, the rest as the object itself knows."""
    if is_dataclass(made):
        for each in fields(made):
            if not hasattr(made, each.name) and each.default is not MISSING:
                object.__setattr__(made, each.name, each.default)
    if hasattr(made, "complete"):
        made.complete()


def _attributes(value: Any) -> dict[str, Any]:
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if hasattr(value, "__dict__"):
        return dict(vars(value))
    raise StateError(f"{_name(type(value))} has no attributes that could be kept")


def _name(kind: type) -> str:
    if not kind.__module__.startswith(_OURS):
        raise StateError(f"{kind.__module__}.{kind.__qualname__} is no part of a pacing law's state")
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> Any:
    module, _, inner = name.partition(":")
    if not module.startswith(_OURS):
        raise StateError(f"{name!r} is no class of pacing: the trace is damaged, or not ours")
    try:
        return getattr(importlib.import_module(module), inner)
    except (ImportError, AttributeError):
        raise StateError(f"{name!r} is not known to this version of Timbre") from None
