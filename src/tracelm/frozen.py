"""`frozen`: a dataclass that nobody changes, and whose making costs what is said of it.

`dataclass(frozen=True)` sets each field by a call, four times the price of an assignment, and any dataclass sets all its
fields; records of a call have some sixty, most of them left as they are by default. Here what is given becomes the
instance's fields as it is, and what is not given stands on the class. Type checkers see the classes as frozen, and that
every field without a default is given; both run over all of the code.
"""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar, cast, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_Class]) -> type[_Class]:
    """Make a dataclass whose fields are given by name and, as far as type checkers can tell, never set again."""
    made = dataclass(kw_only=True, init=False)(cls)
    known = fields(cast("Any", made))
    for each in known:
        if each.default_factory is not MISSING:  # one for all: nobody changes it
            setattr(made, each.name, each.default_factory())

    def __init__(self: Any, **given: Any) -> None:
        self.__dict__ = given

    made.__init__ = __init__  # type: ignore[method-assign]
    return made
