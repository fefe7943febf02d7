"""The part of google-re2 that tracelm uses; the package ships no types.

`Pattern` and `Match` are names for the type checkers only: quote them in annotations.
"""

from collections.abc import Callable, Iterator
from typing import AnyStr, Generic

class error(Exception): ...  # noqa: N801, N818

class Options:
    log_errors: bool

class Set:
    @classmethod
    def SearchSet(cls, options: Options | None = None) -> Set: ...  # noqa: N802
    def Add(self, pattern: str | bytes) -> int: ...  # noqa: N802
    def Compile(self) -> None: ...  # noqa: N802
    def Match(self, text: str | bytes) -> list[int] | None: ...  # noqa: N802

class Match(Generic[AnyStr]):
    string: AnyStr
    def group(self, group: int | str = 0) -> AnyStr: ...
    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def span(self, group: int = 0) -> tuple[int, int]: ...

class Pattern(Generic[AnyStr]):
    def search(self, text: AnyStr, pos: int | None = None, endpos: int | None = None) -> Match[AnyStr] | None: ...
    def match(self, text: AnyStr, pos: int | None = None, endpos: int | None = None) -> Match[AnyStr] | None: ...
    def fullmatch(self, text: AnyStr, pos: int | None = None, endpos: int | None = None) -> Match[AnyStr] | None: ...
    def finditer(self, text: AnyStr, pos: int | None = None, endpos: int | None = None) -> Iterator[Match[AnyStr]]: ...
    def sub(self, repl: AnyStr | Callable[[Match[AnyStr]], AnyStr], text: AnyStr, count: int = 0) -> AnyStr: ...

def compile(pattern: AnyStr, options: Options | None = None) -> Pattern[AnyStr]: ...  # noqa: A001
