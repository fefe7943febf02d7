"""Make `store/record.zdict`: what records have in common, for the compression of short ones.

The samples are made here, from the names that tracelm writes and sentences of its own documentation; no recorded
traffic goes into the package. A store needs the dictionary that it was written with: another one gets another file.
"""

import random
from pathlib import Path

import orjson
import zstandard

from tracelm import semconv

ROOT = Path(__file__).parents[1]
WORDS = " ".join(page.read_text() for page in sorted((ROOT / "docs").rglob("*.md"))).split()
NAMES = sorted({value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)})
COMMON = [
    (semconv.OPERATION_NAME, "chat"), (semconv.PROVIDER_NAME, "openai"), (semconv.REQUEST_MODEL, "gpt-4o-mini"),
    (semconv.RESPONSE_MODEL, "gpt-4o-mini-2024-07-18"), (semconv.SERVER_ADDRESS, "api.openai.com"),
    (semconv.COST_CURRENCY, "USD"), (semconv.COST_SOURCE, "local"), (semconv.INPUT_MIME_TYPE, semconv.MIME_JSON),
    (semconv.OUTPUT_MIME_TYPE, semconv.MIME_JSON),
]  # fmt: skip
COUNTED = [semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS, semconv.CACHE_READ_TOKENS, semconv.CODE_LINE_NUMBER]


def sentence(rng: random.Random, longest: int) -> str:
    start = rng.randrange(len(WORDS))
    return " ".join(WORDS[start : start + rng.randint(2, longest)])


def messages(rng: random.Random) -> str:
    """Chat messages as the conventions have them, or as clients send them."""
    made = [
        {"role": role, "parts": [{"type": "text", "content": sentence(rng, 30)}]}
        if rng.random() < 0.6
        else {"role": role, "content": sentence(rng, 30)}
        for role in rng.sample(("system", "user", "assistant", "tool"), k=rng.randint(1, 3))
    ]
    return orjson.dumps(made).decode()


def span(rng: random.Random) -> bytes:
    pairs: list[dict[str, object]] = [
        {"key": key, "value": {"stringValue": value}} for key, value in COMMON if rng.random() < 0.6
    ]
    pairs += [{"key": key, "value": {"intValue": str(rng.randint(1, 3000))}} for key in COUNTED if rng.random() < 0.6]
    pairs += [{"key": key, "value": {"stringValue": sentence(rng, 3)}} for key in rng.sample(NAMES, 6)]
    for key in (semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES):
        if rng.random() < 0.5:
            pairs.append({"key": key, "value": {"stringValue": messages(rng)}})
    for key in (semconv.INPUT_VALUE, semconv.OUTPUT_VALUE):
        if rng.random() < 0.5:
            pairs.append({"key": key, "value": {"stringValue": f'{{"question":"{sentence(rng, 12)}"}}'}})
    start = 1_790_000_000_000_000_000 + rng.randrange(10**17)
    return orjson.dumps(
        {
            "traceId": f"{rng.getrandbits(128):032x}", "spanId": f"{rng.getrandbits(64):016x}",
            "parentSpanId": f"{rng.getrandbits(64):016x}", "flags": 257, "name": rng.choice(("chat gpt-4o", "answer")),
            "kind": rng.choice((1, 3)), "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + rng.randrange(10**10)), "attributes": pairs,
            "status": {"code": 2, "message": sentence(rng, 5)} if rng.random() < 0.1 else {},
        }
    )  # fmt: skip


def piece(rng: random.Random) -> bytes:
    return orjson.dumps(messages(rng))[2:-2]


def main() -> None:
    rng = random.Random(7)
    samples = [span(rng) for _ in range(4_000)] + [piece(rng) for _ in range(1_500)]
    made = zstandard.train_dictionary(16_384, samples, level=1, dict_id=32_771)
    (ROOT / "src/tracelm/store/record.zdict").write_bytes(made.as_bytes())
    plain, known = zstandard.ZstdCompressor(level=1), zstandard.ZstdCompressor(level=1, dict_data=made)
    fresh = [span(rng) for _ in range(1_000)]
    raw = sum(map(len, fresh))
    alone, together = (sum(len(by.compress(each)) for each in fresh) for by in (plain, known))
    print(f"{raw / len(fresh):.0f} bytes a span; compressed {raw / alone:.2f} x, with this {raw / together:.2f} x")


if __name__ == "__main__":
    main()
