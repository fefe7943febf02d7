"""How much space conversations take: contents once, beside each record compressed as a whole, and what came in.

Each call of a conversation sends all messages before. The floor is what the distinct messages take by themselves,
compressed one by one.
"""

import argparse
import random
import sqlite3
import tempfile
import zlib
from pathlib import Path

import orjson

from tracelm.otlp.decode import decode_spans
from tracelm.store.ingest import write_spans
from tracelm.store.record import compress
from tracelm.store.sqlite import SQLite

START_NS = 1_790_000_000_000_000_000
WORDS = " ".join(page.read_text() for page in sorted((Path(__file__).parents[1] / "docs").rglob("*.md"))).split()


def messages(rng: random.Random, turns: int) -> list[str]:
    said = (" ".join(rng.choices(WORDS, k=rng.randint(20, 120))) for _ in range(2 * turns))
    return [
        orjson.dumps({"role": ("user", "assistant")[n % 2], "parts": [{"type": "text", "content": text}]}).decode()
        for n, text in enumerate(said)
    ]


def span(number: int, conversation: int, said: list[str]) -> bytes:
    values = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.conversation.id": f"c-{conversation}",
        "gen_ai.input.messages": f"[{','.join(said[:-1])}]", "gen_ai.output.messages": f"[{said[-1]}]",
    }  # fmt: skip
    one = {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat gpt-4o", "kind": 3,
        "startTimeUnixNano": str(START_NS + number), "endTimeUnixNano": str(START_NS + 900_000 + number),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in values.items()],
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [one]}]}]})


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--conversations", type=int, default=100)
    count = arguments.parse_args().conversations
    print(f"{count} conversations; MB\n")
    print("| turns | as it came | each record by itself | tracelm, whole file | of it contents | floor |")
    print("|---|---|---|---|---|---|")
    for turns in (1, 5, 20, 50):
        rng = random.Random(turns)
        came = alone = floor = number = 0
        with tempfile.TemporaryDirectory() as folder:
            database = SQLite(Path(folder) / "store.db")
            with database.kept_open():
                for conversation in range(count):
                    said = messages(rng, turns)
                    floor += sum(len(compress(message.encode())) for message in said)
                    lines: list[bytes] = []
                    for turn in range(1, turns + 1):
                        number += 1
                        lines.append(span(number, conversation, said[: 2 * turn]))
                    came += sum(map(len, lines))
                    alone += sum(len(zlib.compress(line, 1)) for line in lines)
                    spans = [(record, "shop") for line in lines for record in decode_spans(line).records]
                    with database.write() as connection:
                        write_spans(connection, spans)
            database.compact()
            whole = database.size_bytes()
            with sqlite3.connect(database.path) as connection:
                (contents,) = connection.execute("SELECT sum(length(content)) FROM contents").fetchone()
            connection.close()
        sizes = (came, alone, whole, contents or 0, floor)
        print(f"| {turns} | {' | '.join(f'{size / 1e6:.2f}' for size in sizes)} |")


if __name__ == "__main__":
    main()
