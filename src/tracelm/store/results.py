"""`Rows`: what a query found, and its way into a pandas DataFrame."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar, overload

if TYPE_CHECKING:
    import pandas as pd


class Record(Protocol):
    """A record that can stand in a table: the names and pandas dtypes of its columns."""

    COLUMNS: ClassVar[Mapping[str, str]]


_T_co = TypeVar("_T_co", bound=Record, covariant=True)


class Rows(Sequence[_T_co], Generic[_T_co]):
    """The records that a query found, in its order.

    Attributes:
        next: The cursor of the next page, for `after=` of the same query; `None` when this is the last one.
    """

    def __init__(self, kind: type[_T_co], found: Iterable[_T_co], *, next: str | None = None) -> None:  # noqa: A002
        self._kind = kind
        self._found = tuple(found)
        self.next = next

    @overload
    def __getitem__(self, at: int) -> _T_co: ...
    @overload
    def __getitem__(self, at: slice) -> "Rows[_T_co]": ...
    def __getitem__(self, at: int | slice) -> "_T_co | Rows[_T_co]":
        return Rows(self._kind, self._found[at]) if isinstance(at, slice) else self._found[at]

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<{len(self)} x {self._kind.__name__}>"

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame with one line a record, in this order; an empty one has the same columns."""
        import pandas as pd

        columns = self._kind.COLUMNS
        return pd.DataFrame(
            {
                name: pd.Series([getattr(each, name) for each in self._found], dtype=dtype)
                for name, dtype in columns.items()
            }
        )
