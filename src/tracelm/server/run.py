"""Start the parts of a server, and stop them in the order in which nothing that was accepted is lost."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

import uvicorn

from tracelm.errors import ConfigError
from tracelm.server.access.gate import Gate
from tracelm.server.access.hosts import Hosts
from tracelm.server.access.ring import KeyRing, has_good_key
from tracelm.server.app import create_app
from tracelm.server.counters import Counters
from tracelm.server.ingest_grpc import GrpcIntake
from tracelm.server.intake import Intake
from tracelm.server.live import LiveEvents
from tracelm.server.options import ServerOptions
from tracelm.server.retaining import Retaining
from tracelm.server.state import ServerState
from tracelm.server.texts import TextIndexing
from tracelm.store.open import open_local
from tracelm.store.retention import Retention
from tracelm.store.store import Store

_BACKLOG: Final = 1_024
_SWITCH_S: Final = 0.001
"""For so long a thread keeps the interpreter while another waits for it. With Python's 5 ms, the thread that writes
waits that long after each statement while a request is read."""


def run(options: ServerOptions, *, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; returns when everything that was accepted is written and answered.

    Args:
        options: How to listen.
        say: Gets the one line that says where, once requests can come.

    Raises:
        ConfigError: A port cannot be used, or the address needs an API key and there is none.
        StoreError: The store cannot be opened.
    """
    with open_local(options.store_url, home=options.home) as store, store.kept_open():
        _check_keys(store, options)
        listening = listen(options)
        with contextlib.closing(listening), _parts(store, options) as (state, grpc_intake):
            port: int = listening.getsockname()[1]
            say(
                f"tracelm serves http://{_shown(options.host)}:{port} (OTLP/HTTP, API, UI) and "
                f"{_shown(options.host)}:{grpc_intake.port} (OTLP/gRPC), store {store.place}"
            )
            config = uvicorn.Config(
                create_app(state),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                backlog=_BACKLOG,
                timeout_graceful_shutdown=round(options.stop_timeout_s),
            )
            usual_s = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_S)
            try:
                asyncio.run(_Http(config, on_exit=state.live.close).serve(sockets=[listening]))
            finally:
                sys.setswitchinterval(usual_s)


class _Http(uvicorn.Server):
    """uvicorn, which ends streams that would never end when it is told to stop, and then returns."""

    def __init__(self, config: uvicorn.Config, *, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.should_exit:
            self.force_exit = True  # told twice: do not wait for senders
        self.should_exit = True
        self._on_exit()


@contextlib.contextmanager
def _parts(store: Store, options: ServerOptions) -> Generator[tuple[ServerState, GrpcIntake]]:
    counters = Counters()
    ring = KeyRing(store)
    ring.refresh()
    live = LiveEvents(store, counters)
    gate = Gate(ring, counters, is_loopback=options.is_loopback, session_secret=options.session_secret)
    intake = Intake(store, options=options, counters=counters, on_commit=live.changed)
    state = ServerState(
        options=options,
        store=store,
        counters=counters,
        gate=gate,
        hosts=Hosts(options.allow_hosts, is_loopback=options.is_loopback),
        intake=intake,
        live=live,
    )
    grpc_intake = GrpcIntake(intake, gate, options=options)
    texts = TextIndexing(store, intake, counters)
    retaining = Retaining(store, None if options.retain is None else Retention.parse(options.retain), counters)
    live.start()
    intake.start()
    texts.start()
    retaining.start()
    grpc_intake.start()
    try:
        yield state, grpc_intake
    finally:
        retaining.close()
        live.close()
        wait = grpc_intake.stop(options.stop_timeout_s)
        wait()
        intake.close()
        live.join()
        texts.close()


def _check_keys(store: Store, options: ServerOptions) -> None:
    if not options.is_loopback and not has_good_key(store):
        raise ConfigError(
            f"{options.host} can be reached by others, and there is no API key yet: make one with "
            "`tracelm keys create --name me --read --ingest --admin`, or leave --host out to serve this machine only"
        )


def listen(options: ServerOptions) -> socket.socket:
    """Open the port for HTTP.

    Raises:
        ConfigError: It cannot be used.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # With the protocol named, asyncio sends each answer at once; else a kept connection waits 40 ms for each.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((options.host, options.port))
        listening.listen(_BACKLOG)  # who comes early waits, and is not turned away
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"port {options.port} of {options.host} cannot be used ({error.strerror or error}): end the program that "
            "has it, or give another one with --port"
        ) from None
    return listening


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
