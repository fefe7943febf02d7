"""Run the senders and keep what they sent: `python -m tests.interop.keep [SENDER ...]`."""

import sys

from tests.interop.senders import SENDERS, send
from tests.otlp_bodies.told import FOLDER

for name in sys.argv[1:] or SENDERS:
    (body,) = send(name)
    (FOLDER / f"{name}.{'json' if body.encoding == 'json' else 'bin'}").write_bytes(body.data)
