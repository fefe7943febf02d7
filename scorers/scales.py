"""The scale that a judge chooses from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from tracelm.errors import ConfigError

Worth: TypeAlias = bool | float | None


@dataclass(frozen=True, slots=True)
class Scale:
    """The verdicts that a judge may give, and what each is worth.

    Attributes:
        choices: Pairs of a label and its worth: True or False, a number, or `None` for a label that has none.
    """

    choices: tuple[tuple[str, Worth], ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in their order."""
        return tuple(label for label, _ in self.choices)

    @property
    def is_numeric(self) -> bool:
        """Whether every label is worth a number or a bool, so that there is a mean."""
        return all(worth is not None for _, worth in self.choices)

    @property
    def is_verdict(self) -> bool:
        """Whether every label is worth True or False."""
        return all(isinstance(worth, bool) for _, worth in self.choices)

    def label(self, said: object) -> str | None:
        """Return the label that is said, capitals and quotation marks aside; `None` for what is not on the scale."""
        if isinstance(said, float) and said.is_integer():
            said = int(said)
        text = said if isinstance(said, str) else str(said) if type(said) is int else ""
        text = text.strip(" \t\n\r\"'`*.").casefold()
        return next((label for label in self.labels if text and label.casefold().strip(" .") == text), None)

    def worth(self, label: str) -> Worth:
        """Return what a label is worth."""
        return dict(self.choices)[label]


ScaleLike: TypeAlias = Scale | Mapping[str, float] | Sequence[str] | range
"""A scale, or what one is made of: labels with their worth, labels alone, or the numbers of a range."""

YES_NO: Final = Scale((("yes", True), ("no", False)))


def scale_of(given: ScaleLike) -> Scale:
    """Return the scale that is given.

    Raises:
        ConfigError: Fewer than two labels, two that cannot be told apart, or a worth that is no finite number.
    """
    if isinstance(given, Scale):
        choices = given.choices
    elif isinstance(given, range):
        choices = tuple((str(each), float(each)) for each in given)
    elif isinstance(given, Mapping):
        choices = tuple(cast("Mapping[str, Worth]", given).items())
    elif isinstance(given, str):
        raise ConfigError(f"scale={given!r} is one str: give several labels")
    else:
        choices = tuple((each, None) for each in given)
    labels = [label for label, _ in choices]
    if not all(isinstance(label, str) and label.strip() for label in labels):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"scale={labels!r}: each label is a text that is not empty")
    if len({label.strip().casefold() for label in labels}) < max(2, len(labels)):
        raise ConfigError(f"scale={labels!r} cannot work: give two labels or more that differ")
    for label, worth in choices:
        if worth is not None and not (isinstance(worth, bool | int | float) and math.isfinite(worth)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"scale: {label!r} is worth {worth!r}, which is no finite number")
    return Scale(tuple((label.strip(), worth) for label, worth in choices))
