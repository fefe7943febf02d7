"""Run the senders and keep what they sent: `python -m tests.interop.keep [SENDER ...]`."""

import sys

from tests.interop.senders import APART, SENDERS, send
from tests.otlp_bodies.told import FOLDER

for name in sys.argv[1:] or [*SENDERS, *APART]:
    for body in send(name):
        signal = "-logs" if body.path.endswith("logs") else ""
        (FOLDER / f"{name}{signal}.{'json' if body.encoding == 'json' else 'bin'}").write_bytes(body.data)
