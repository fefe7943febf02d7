"""Measure safety scorers anew and write `scorers/measured.json`.

    python -m benchmarks.measure_scorers FOLDER [SCORER ...]

Without names: all. `names_and_addresses` wants `tracelm[presidio]`, which is best put into an environment of its own.
"""

import sys
from dataclasses import asdict
from pathlib import Path

import orjson

from tracelm.scorers.bench import BENCHES, bench
from tracelm.scorers.measured import FILE


def main() -> None:
    """Write the file; `make docs` then brings it into the reference."""
    path = Path(__file__).parents[1] / "scorers" / FILE
    known = {each["scorer"]: each for each in orjson.loads(path.read_bytes())}
    for name in sys.argv[2:] or BENCHES:
        known[name] = asdict(bench(name, Path(sys.argv[1])))
    found = [known[name] for name in BENCHES]
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
