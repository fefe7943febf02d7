"""What a sink is."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias, runtime_checkable

from tracelm.errors import ConfigError
from tracelm.store.alert_notice import AlertNotice


@runtime_checkable
class Sink(Protocol):
    """Somewhere notices go."""

    @property
    def name(self) -> str:
        """What it is called where it is recorded whether a notice arrived."""
        ...

    def send(self, notice: AlertNotice) -> None:
        """Bring a notice there; runs in a thread of its own.

        Raises:
            Exception: It did not arrive. The message is recorded, so it must hold no secret.
        """
        ...


SinkLike: TypeAlias = Sink | Callable[[AlertNotice], Any]


def by_name(sinks: Iterable[SinkLike]) -> dict[str, Callable[[AlertNotice], Any]]:
    """Return what brings a notice to each sink, by a name that each has for itself.

    Raises:
        ConfigError: One of them is no sink.
    """
    found: dict[str, Callable[[AlertNotice], Any]] = {}
    for each in sinks:
        if inspect.isclass(each) or not (isinstance(each, Sink) or callable(each)):
            raise ConfigError(f"{each!r} is no sink: give a function of the notice, or one of tracelm.sinks")
        name, send = (each.name, each.send) if isinstance(each, Sink) else (_name_of(each), each)
        same = sum(known == name or known.startswith(f"{name} #") for known in found)
        found[name if not same else f"{name} #{same + 1}"] = send
    return found


def _name_of(function: Callable[[AlertNotice], Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
