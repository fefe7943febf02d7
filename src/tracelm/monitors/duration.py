"""A length of time as people write it: `5m`, `1h`, `7d`."""

import re
from typing import Final

from tracelm.errors import ConfigError

_LENGTH: Final = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(text: object, *, option: str) -> int:
    """Return how many seconds a length of time has.

    Args:
        text: A number with s, m, h or d behind it.
        option: What it was given for, as the user writes it.

    Raises:
        ConfigError: It says none, or 0.

    Example:
        >>> seconds_of("90m", option="window")
        5400
    """
    match = _LENGTH.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise ConfigError(f"{option}={text!r} is no length of time: write 15m, 1h or 1d")
    return int(match[1]) * _SECONDS[match[2]]
