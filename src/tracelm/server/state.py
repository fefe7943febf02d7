"""What the parts of one server share."""

from dataclasses import dataclass

from tracelm.server.access.gate import Gate
from tracelm.server.access.hosts import Hosts
from tracelm.server.counters import Counters
from tracelm.server.intake import Intake
from tracelm.server.live import LiveEvents
from tracelm.server.options import ServerOptions
from tracelm.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """The parts of a server that is running."""

    options: ServerOptions
    store: Store
    counters: Counters
    gate: Gate
    hosts: Hosts
    intake: Intake
    live: LiveEvents
