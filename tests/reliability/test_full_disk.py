"""A disk that is really full: a file system of three megabytes in a mount namespace of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.collector import sink
from tests.reliability.test_nothing_lost import START
from tests.small_disk import on_a_disk_of

PROGRAM = r"""
home = os.environ["TRACELM_HOME"]
tracelm.init("test", **json.loads(os.environ["INIT"]))
from tracelm.trace import runtime
for number in range(500): step(number)
ballast = open(f"{home}/ballast", "wb", buffering=0)
try:
    while True: ballast.write(bytes(4096))
except OSError as error:
    assert error.errno == 28
for number in range(500): step(number)
lost = tracelm.flush(0).lost
os.unlink(f"{home}/ballast")
ballast.close()
runtime.active.journal._retry_at = 0  # instead of waiting for a second
for number in range(500): step(number)
account()
print("lost while full", lost)
tracelm.shutdown()
with tracelm.open_store() as store:
    spans = store.spans(limit=None)
    print("stored", len(spans), len({span.span_id for span in spans}))
"""


@pytest.mark.small_disk
@pytest.mark.parametrize("with_endpoint", [True, False], ids=["with an endpoint", "without"])
def test_a_disk_that_fills_and_empties_again_loses_only_what_ended_meanwhile(
    tmp_path: Path, with_endpoint: bool
) -> None:
    with sink() as collector:
        init = {"endpoint": collector.url} if with_endpoint else {}
        ran = subprocess.run(
            [*on_a_disk_of("3m", tmp_path), sys.executable, "-c", START + PROGRAM],
            env=os.environ | {"TRACELM_HOME": str(tmp_path), "INIT": json.dumps(init)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        account, lost_while_full, stored = ran.stdout.splitlines()
        recorded, delivered, pending, lost = json.loads(account)
        assert (recorded, pending) == (1_500, 0)
        assert recorded == delivered + lost
        assert lost == int(lost_while_full.split()[-1])  # nothing was lost before or afterwards
        assert 300 < lost <= 500
        assert stored == f"stored {delivered} {delivered}"
        assert "the disk is full: free some space" in ran.stderr
        assert len(collector.ids()) == (delivered if with_endpoint else 0)
