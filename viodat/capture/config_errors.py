"""What pydantic finds wrong with capture.toml, in the words of a user who knows TOML and not pydantic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from viodat.capture.spelling import did_you_mean, nearest, shown

Keys = tuple[str | int, ...]

_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "text in quotes",
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list in [ ]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
    "literal_error": "one of {expected}",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "string_too_short": "at least {min_length} characters",
    "too_short": "a list of {min_length}",
    "too_long": "a list of {max_length}",
}


def config_problems(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Keys, str]]:
    """Give each mistake as the keys that lead to it and a line of text.

    Parameters
    ----------
    error
        What validation raised.
    model
        The model that was validated; it knows which keys there are.
    """
    errors = error.errors(include_url=False)
    unknown = [tuple(found["loc"]) for found in errors if found["type"] == "extra_forbidden"]
    misspelt = {(*keys[:-1], nearest(str(keys[-1]), _known_keys(model, keys[:-1]))) for keys in unknown}
    for found in errors:
        keys = tuple(found["loc"])
        place = _place(keys)
        kind, context = found["type"], found.get("ctx", {})
        if kind == "extra_forbidden":
            yield keys, _unknown(keys, _known_keys(model, keys[:-1]))
        elif kind == "missing":
            if keys not in misspelt:
                yield keys[:-1], f"{_place(keys[:-1])}: key '{keys[-1]}' is missing"
        elif kind == "value_error":
            yield keys, f"{place}: {context['error']}"
        elif kind == "model_type" and keys[:1] == ("files",):
            yield keys, f'{place}: a pattern in quotes, or {{pattern = "…", device = "…"}}, was expected'
        elif kind in _EXPECTED:
            value = found["input"]
            value = f"'{shown(value, 40)}'" if isinstance(value, str) else shown(value, 40)
            yield keys, f"{place} is {value}; {_EXPECTED[kind].format_map(context)} was expected"
        else:
            yield keys, f"{place}: {found['msg'][0].lower()}{found['msg'][1:]}"


def _unknown(keys: Keys, known: Sequence[str]) -> str:
    what = "tables" if len(keys) == 1 else "keys"
    table = f" in {_table(keys[:-1])}" if len(keys) > 1 else ""
    return f"unknown {what[:-1]} '{shown(keys[-1])}'{table}; {did_you_mean(str(keys[-1]), known, what)}"


def _place(keys: Keys) -> str:
    if len(keys) <= 1:
        return _table(keys)
    return f"{_table(keys[:-1])} {shown(keys[-1])}" if isinstance(keys[-1], str) else _numbered(keys)


def _numbered(keys: Keys) -> str:
    return f"{_place(keys[:-1])}, item {int(keys[-1]) + 1}"


def _table(keys: Keys) -> str:
    return f"[{'.'.join(shown(key if isinstance(key, str) else key + 1, 30) for key in keys)}]"


def _known_keys(model: type[BaseModel], keys: Keys) -> tuple[str, ...]:
    """Keys that the table at ``keys`` may have."""
    annotation: Any = model
    for key in keys:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(key)].annotation
        else:
            origin, arguments = get_origin(annotation), get_args(annotation)
            annotation = arguments[1] if origin is dict else arguments[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return tuple(annotation.model_fields)
    return ()
