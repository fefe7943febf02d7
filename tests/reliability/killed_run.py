"""Runs small evaluations in processes of their own and kills them: one order a line on stdin, one answer a line.

An order is a JSON object: `home`, `rows`, `trials`, `concurrency`, and `kill_at`, the growth of the journal in bytes at
which the process is killed; null lets it end. Everything is imported once, before the processes fork. Each call of the
task leaves a line in the file `calls` beside the home; the id of a run that ended is in `run_id`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import pandas as pd

import tracelm
from tracelm.evals import stored
from tracelm.store.open import open_store
from tracelm.trace.segments import list_segments

IMPORTED = (pd, stored, open_store, asyncio)  # so that no process has to


def journal_size(home: Path) -> int:
    total = 0
    for segment in list_segments(home):
        for name in ("spans", "logs"):
            with contextlib.suppress(FileNotFoundError):
                total += segment.file(name).stat().st_size
    return total


def evaluate(order: dict[str, Any]) -> None:
    home = Path(order["home"])
    tracelm.init("killed", home=home, patch=False)
    # In a list: a number that the task closes over belongs to its version.
    calls = [os.open(home.parent / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND)]

    async def task(number: int) -> dict[str, int]:
        os.write(calls[0], b"%d\n" % number)
        if number % 7 == 3:
            raise ValueError("three")
        return {"square": number * number}

    def right(output: dict[str, int], number: int) -> bool:
        return output["square"] == number * number

    def parts(output: dict[str, int]) -> dict[str, float]:
        return {"half": output["square"] / 2, "whole": float(output["square"])}

    evaluation = tracelm.Evaluation(
        dataset=tracelm.Dataset(name="killed", rows=[{"number": number} for number in range(order["rows"])]),
        scorers=[right, parts],
        trials=order["trials"],
        max_concurrency=order["concurrency"],
    )
    run = evaluation.run(task, resume=True)
    (home.parent / "run_id").write_text(run.run_id)
    tracelm.shutdown()


def carry_out(order: dict[str, Any]) -> int:
    home = Path(order["home"])
    size = journal_size(home)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            evaluate(order)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if order["kill_at"] is not None and journal_size(home) - size >= order["kill_at"]:
            os.kill(pid, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.sched_yield()


for line in sys.stdin:
    print(carry_out(json.loads(line)), flush=True)
