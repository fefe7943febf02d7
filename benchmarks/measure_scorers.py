"""Measure the safety scorers anew and write `scorers/measured.json`: `python -m benchmarks.measure_scorers FOLDER`."""

import sys
from dataclasses import asdict
from pathlib import Path

import orjson

from tracelm.scorers.bench import BENCHES, bench
from tracelm.scorers.measured import FILE


def main() -> None:
    """Write the file; `make docs` then brings it into the reference."""
    found = [asdict(bench(name, Path(sys.argv[1]))) for name in BENCHES]
    path = Path(__file__).parents[1] / "scorers" / FILE
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
