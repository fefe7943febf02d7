"""How an object of a class that JSON does not know is shown: one step towards lists, mappings and texts.

Nothing here copies more of a value than will be shown of it, and nothing reads what reading would change: generators,
files, locks. Fields are read from where they are kept, not by calling methods of the program's classes.
"""

import array
import base64
import dataclasses
import datetime
import sys
import types
from collections.abc import Iterable, Mapping, ValuesView
from itertools import islice
from typing import Any, Final, cast

HEAD_CHARACTERS: Final = 1_000
_HEAD_BYTES: Final = 1_000
_HEAD_ROWS: Final = 5
_HEAD_COLUMNS: Final = 50
_HEAD_NUMBERS: Final = 10
_MAX_NUMBERS: Final = 1_000
"""A longer array is described: nobody reads it, and its numbers would crowd out everything else."""
_MAX_SORTED: Final = 1_000
_NAMED: Final = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
    types.WrapperDescriptorType,
)


def type_name(value: object) -> str:
    """Return the name of a value's class with its module, without `builtins`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def short(value: object) -> str:
    """Return the `repr` of a value, cut."""
    text = repr(value)
    return text if len(text) <= HEAD_CHARACTERS else f"{text[:HEAD_CHARACTERS]}…"


def of_library(value: object, module: str, *classes: str) -> bool:
    """Say whether a value is of one of these classes of a library, without importing the library."""
    loaded = sys.modules.get(module)
    if loaded is None:
        return False
    return isinstance(value, tuple(kind for name in classes if (kind := getattr(loaded, name, None)) is not None))


def simpler(value: Any) -> Any:
    """Return what stands for `value`: a mapping, list or text, whose parts may need the same again."""
    kind = cast("type[Any]", type(value))
    if isinstance(value, BaseException):
        return _exception(value)
    if isinstance(value, _NAMED):
        return f"{value.__module__}.{value.__qualname__}" if value.__module__ else value.__qualname__
    if isinstance(value, types.ModuleType):  # its fields are the globals of the program
        return f"<module {value.__name__}>"
    if isinstance(value, array.array | ValuesView):
        return list(islice(cast("Iterable[Any]", value), _MAX_NUMBERS))
    if isinstance(value, datetime.timedelta):
        return str(value)
    if of_library(value, "numpy", "ndarray", "generic"):
        return _numpy(value)
    if of_library(value, "pandas", "DataFrame", "Series", "Index"):
        return _pandas(value)
    if hasattr(kind, "get_secret_value"):  # pydantic's SecretStr: its text is stars
        return str(value)
    if getattr(kind, "__pydantic_root_model__", False):
        return value.root
    fields = _fields(kind, value)
    # Callables and iterators have no state that tells anything, and reading them may change them.
    if not fields or callable(value) or hasattr(kind, "__next__"):
        return short(value)
    return fields


def items_of(value: Iterable[Any], size: int) -> Iterable[Any]:
    """Return the items of a set: sorted as long as that is cheap, so that equal sets read the same."""
    if size > _MAX_SORTED:
        return value
    listed = list(value)
    try:
        return sorted(listed)
    except TypeError:
        return sorted(listed, key=repr)


def binary(value: bytes | bytearray | memoryview) -> tuple[int, bytes]:
    """Return the length of bytes and their first part."""
    view = memoryview(value)
    try:
        return view.nbytes, view.cast("B")[:_HEAD_BYTES].tobytes()
    except TypeError:  # a view with gaps
        return view.nbytes, view[:_HEAD_BYTES].tobytes()[:_HEAD_BYTES]


def shown_binary(length: int, head: bytes) -> dict[str, Any]:
    """Return how bytes are recorded."""
    return {"type": "bytes", "length": length, "base64": base64.b64encode(head).decode()}


def _fields(kind: type[Any], value: Any) -> dict[str, Any] | None:
    pydantic = getattr(kind, "__pydantic_fields__", None)
    if isinstance(pydantic, Mapping) and not dataclasses.is_dataclass(kind):
        declared = cast("Mapping[str, Any]", pydantic)
        kept = cast("dict[str, Any]", value.__dict__)
        found = {name: kept[name] for name, field in declared.items() if name in kept and field.exclude is not True}
        return found | (getattr(value, "__pydantic_extra__", None) or {})
    if dataclasses.is_dataclass(kind):
        return {field.name: _read(value, field.name) for field in dataclasses.fields(kind)}
    attrs = getattr(kind, "__attrs_attrs__", None)
    if attrs is not None:
        return {str(field.name): _read(value, field.name) for field in attrs}
    names: list[str] = []
    for base in reversed(kind.__mro__):
        slots = base.__dict__.get("__slots__", ())
        names.extend([slots] if isinstance(slots, str) else cast("Iterable[str]", slots))
    found = {name: getattr(value, name) for name in names if not name.startswith("_") and hasattr(value, name)}
    for name, each in cast("dict[str, Any]", getattr(value, "__dict__", None) or {}).items():
        if not name.startswith("_"):
            found[name] = each
    return found


def _read(value: object, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception as error:  # a field that is not set yet, or loaded when it is read
        return f"[cannot be read: {type(error).__name__}]"


def _exception(error: BaseException) -> dict[str, Any]:
    found: dict[str, Any] = {"type": type_name(error), "message": str(error)}
    cause = error.__cause__
    if cause is not None:
        found["cause"] = cause
    if isinstance(error, BaseExceptionGroup):
        found["exceptions"] = cast("BaseExceptionGroup[Any]", error).exceptions
    return found


def _numpy(value: Any) -> Any:
    if value.size <= _MAX_NUMBERS:
        plain = value.tolist()
        # A scalar that has no equal in Python (a long double, say) gives itself.
        return str(value) if type(plain) is type(value) else plain
    return {
        "type": "ndarray",
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "head": list(islice(cast("Iterable[Any]", value.flat), _HEAD_NUMBERS)),
    }


def _pandas(value: Any) -> dict[str, Any]:
    kind = type(value).__name__
    if not hasattr(value, "dtypes") or kind == "Index" or not hasattr(value, "columns"):
        head = list(value[:_HEAD_ROWS])
        return {"type": kind, "length": len(value), "dtype": str(value.dtype), "head": head}
    part = value.iloc[:_HEAD_ROWS, :_HEAD_COLUMNS]
    names = [str(name) for name in part.columns]
    return {
        "type": kind,
        "shape": list(value.shape),
        "dtypes": dict(zip(names, map(str, part.dtypes), strict=True)),
        "head": [dict(zip(names, row, strict=True)) for row in part.itertuples(index=False, name=None)],
    }
