"""Notices in the program's log."""

import logging
from dataclasses import dataclass
from typing import Final

from tracelm.store.alert_notice import AlertNotice

_LOGGER: Final = logging.getLogger("tracelm.alerts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Notices as records of the logger `tracelm.alerts`: warnings, errors where critical, info where it is over."""

    name: str = "log"

    def send(self, notice: AlertNotice) -> None:
        """Write one record."""
        bad = logging.ERROR if notice.severity == "critical" else logging.WARNING
        _LOGGER.log(logging.INFO if notice.kind == "resolved" else bad, "%s", notice)
