"""The arguments of a call under the names of the parameters, about ten times faster than `inspect.Signature.bind`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Binder:
    """Knows the parameters of one function.

    Args:
        function: What will be called.
    """

    __slots__ = ("_by_keyword", "_defaults", "_hidden", "_keywords", "_positional", "_required", "_variadic")

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):  # a builtin without a signature
            parameters = [
                inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
                inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
            ]
        self._positional = tuple(each.name for each in parameters if each.kind in _POSITIONAL)
        self._by_keyword = frozenset(
            each.name
            for each in parameters
            if each.kind in {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
        )
        variadic = [each.name for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL]
        keywords = [each.name for each in parameters if each.kind is inspect.Parameter.VAR_KEYWORD]
        self._variadic = variadic[0] if variadic else None
        self._keywords = keywords[0] if keywords else None
        named = [each for each in parameters if each.name not in {self._variadic, self._keywords}]
        self._required = tuple(each.name for each in named if each.default is inspect.Parameter.empty)
        self._defaults = {each.name: each.default for each in named if each.default is not inspect.Parameter.empty}
        # The object that a method belongs to is no input of it.
        first = self._positional[0] if self._positional else ""
        self._hidden = first if first in {"self", "cls"} and "." in getattr(function, "__qualname__", "") else None

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the arguments by name, defaults included; `None` when the call does not fit the function."""
        bound = dict(zip(self._positional, args, strict=False))
        if len(args) > len(self._positional):
            if self._variadic is None:
                return None
            bound[self._variadic] = args[len(self._positional) :]
        if kwargs:
            others: dict[str, Any] = {}
            for name, value in kwargs.items():
                if name in self._by_keyword:
                    if name in bound:
                        return None
                    bound[name] = value
                elif self._keywords is not None:
                    others[name] = value
                else:
                    return None
            if others and self._keywords is not None:
                bound[self._keywords] = others
        for name in self._required:
            if name not in bound:
                return None
        for name, value in self._defaults.items():
            if name not in bound:
                bound[name] = value
        if self._hidden is not None:
            bound.pop(self._hidden, None)
        return bound
