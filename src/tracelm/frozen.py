"""`frozen`: a dataclass that nobody changes, at the price of a plain one.

`dataclass(frozen=True)` sets each field by a call, four times the price of an assignment; records of a call have some
sixty fields. Type checkers see these classes as frozen, and both run over all of the code.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_Class]) -> type[_Class]:
    """Make a dataclass whose fields are given by name and, as far as type checkers can tell, never set again."""
    return dataclass(kw_only=True, slots=True)(cls)
