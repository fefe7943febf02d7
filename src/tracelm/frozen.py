"""`frozen`: a dataclass that nobody changes, and whose making costs what is said of it.

`dataclass(frozen=True)` sets each field by a call, four times the price of an assignment, and any dataclass sets all
its fields; records of a call have some sixty, most of them left as they are by default. Here what is given becomes the
instance's fields as it is, and what is not given stands on the class. Type checkers see these classes as frozen, and
both run over all of the code.
"""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar, cast, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_Class]) -> type[_Class]:
    """Make a dataclass whose fields are given by name and, as far as type checkers can tell, never set again."""
    made = dataclass(kw_only=True, init=False)(cls)
    all_fields = fields(cast("Any", made))
    for each in all_fields:
        if each.default_factory is not MISSING:  # one for all: nobody changes it
            setattr(made, each.name, each.default_factory())
    is_known = frozenset(each.name for each in all_fields).issuperset
    needed = frozenset(each.name for each in all_fields if each.default is MISSING and each.default_factory is MISSING)

    def __init__(self: Any, **given: Any) -> None:  # noqa: N807
        if not is_known(given) or not needed.issubset(given):
            raise TypeError(_complaint(made.__name__, [each.name for each in all_fields], needed, given))
        self.__dict__ = given

    made.__init__ = __init__  # type: ignore[method-assign]
    return made


def _complaint(name: str, known: list[str], needed: frozenset[str], given: dict[str, Any]) -> str:
    missing = [each for each in known if each in needed and each not in given]
    others = [each for each in given if each not in known]
    told = [f"it needs {', '.join(missing)}"] if missing else []
    told += [f"it has no {', '.join(others)}; its fields are {', '.join(known)}"] if others else []
    return f"{name}: {'; '.join(told)}"
