"""Versions of code: the same code and settings give the same 12 hex digits, in any process, on any machine.

Where the code stands (file, line) and how it is laid out do not count; what it does counts. Functions that it
calls are not followed: a change in one of those needs a change here, or a name, to be seen.
"""

import dataclasses
import functools
import hashlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from types import CodeType
from typing import Any, Final, cast

_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")
_METHODS_THAT_COUNT: Final = frozenset({"__post_init__", "__call__"})


def code_version(function: Callable[..., Any]) -> str:
    """Return the version of a function: 12 hex digits that change when its code changes.

    Bytecode, names, constants, default values and closed-over constants count. Decorators that keep
    `__wrapped__` are looked through; of a callable object its class and fields count.
    """
    return _short(_of_callable(function))


def object_version(value: object, *, below: type = object) -> str:
    """Return the version of an object with behaviour: its class path, its methods' code and its fields.

    Args:
        value: The object.
        below: Methods of this class and of its bases are left out.
    """
    return _short(_of_object(value, below=below))


def _of_callable(function: object) -> str:
    function = inspect.unwrap(cast("Callable[..., Any]", function))
    if isinstance(function, functools.partial):
        given = cast("functools.partial[object]", function)
        return _join("partial", _of_callable(given.func), _of(given.args), _of(given.keywords))
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType):
        return _join(
            _of_code(code),
            _of(getattr(function, "__defaults__", None)),
            _of(getattr(function, "__kwdefaults__", None)),
            *(_of_cell(cell) for cell in getattr(function, "__closure__", None) or ()),
        )
    if inspect.isbuiltin(function) or inspect.isclass(function):
        return _join("name", _path(function))
    return _of_object(function, below=object)


@functools.lru_cache(maxsize=2048)
def _of_code(code: CodeType) -> str:
    constants = (_of_code(each) if isinstance(each, CodeType) else _of(each) for each in code.co_consts)
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return _join(code.co_code.hex(), code.co_exceptiontable.hex(), repr(shape), repr(names), *constants)


def _of_cell(cell: Any) -> str:
    try:
        held = cell.cell_contents
    except ValueError:  # not filled yet: the function refers to itself
        return "empty"
    # Only what cannot change under way: a counter in a list is state, not code.
    return _of(held) if isinstance(held, bool | int | float | str | bytes) else type(held).__name__


def _of_object(value: object, *, below: type) -> str:
    kind = type(value)
    members = (_of_member(owner, name) for owner, name in _members(kind, below=below))
    return _join("object", _path(kind), *members, _of(_state(value)))


def _members(kind: type, *, below: type) -> Iterator[tuple[type, str]]:
    for owner in kind.__mro__:
        if issubclass(below, owner):
            continue
        for name in sorted(vars(owner)):
            if name in _METHODS_THAT_COUNT or not name.startswith(("__", "_abc_")):
                yield owner, name


def _of_member(owner: type, name: str) -> str:
    member = vars(owner)[name]
    if isinstance(member, property):
        inner = (each for each in (member.fget, member.fset) if each is not None)
        return _join(name, *(_of_callable(each) for each in inner))
    if isinstance(member, functools.cached_property):
        return _join(name, _of_callable(cast("functools.cached_property[object]", member).func))
    if isinstance(member, staticmethod | classmethod):
        return _join(name, _of_callable(cast("staticmethod[..., object]", member).__func__))
    return _join(name, _of(member))


def _state(value: object) -> Mapping[str, object]:
    if dataclasses.is_dataclass(value):
        # A field that does not count when two are compared, such as the client to ask, is no part of the identity.
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.compare}
    return dict(getattr(value, "__dict__", {}))


def _of(value: object) -> str:
    """Return a text for `value` that is equal in every process."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return f"{type(value).__name__}:{value!r}"
    if isinstance(value, Enum):
        return _join("enum", _path(type(value)), value.name)
    if isinstance(value, tuple | list):
        items = cast("list[object]", value)
        return _join(type(items).__name__, *(_of(each) for each in items))
    if isinstance(value, AbstractSet):
        return _join("set", *sorted(_of(each) for each in cast("AbstractSet[object]", value)))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return _join("dict", *sorted(_join(_of(key), _of(each)) for key, each in pairs))
    if isinstance(value, re.Pattern):  # its repr cuts long patterns
        pattern = cast("re.Pattern[str]", value)
        return _join("pattern", repr(pattern.pattern), str(pattern.flags))
    if isinstance(value, CodeType):
        return _of_code(value)
    if inspect.isroutine(value) or isinstance(value, functools.partial):
        return _of_callable(cast("object", value))
    if inspect.isclass(value):
        return _join("class", _path(value))
    if dataclasses.is_dataclass(value):
        return _join("object", _path(type(value)), _of(_state(value)))
    return _join("repr", _path(type(value)), _ADDRESS.sub("", repr(value)))


def _path(named: object) -> str:
    return f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', repr(named))}"


def _join(*parts: str) -> str:
    """Join parts so that no two different lists of parts give the same text, and the text stays short."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


def _short(digest: str) -> str:
    return digest[:12]
