"""`Rates`: the prices of one model, and the arithmetic: counts, times rates, in buckets that sum to the amount."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Final, NamedTuple

from tracelm.pricing.cost import PARTS, Cost, Usage

_MILLION: Final = 1_000_000
_HOUR_S: Final = 3_600
EXACT: Final = Context(prec=60)
"""Our own: what the program has set for its decimals is not for us, and 60 digits hold every sum there can be."""
_MOST: Final = 10**9
"""Tokens, seconds, characters or pieces. No call has more; a count that says so is a fault, not a bill."""

_INPUT: Final = "input_usd_per_mtok"
_OUTPUT: Final = "output_usd_per_mtok"
_CACHE_READ: Final = "cache_read_usd_per_mtok"
_CACHE_WRITE: Final = "cache_write_usd_per_mtok"
_CACHE_WRITE_1H: Final = "cache_write_1h_usd_per_mtok"
_REASONING: Final = "reasoning_usd_per_mtok"
_INPUT_IMAGE: Final = "input_image_usd_per_mtok"
_INPUT_AUDIO: Final = "input_audio_usd_per_mtok"
_CACHE_READ_IMAGE: Final = "cache_read_image_usd_per_mtok"
_CACHE_READ_AUDIO: Final = "cache_read_audio_usd_per_mtok"
_OUTPUT_IMAGE: Final = "output_image_usd_per_mtok"
_OUTPUT_AUDIO: Final = "output_audio_usd_per_mtok"
_INPUT_HOUR: Final = "input_audio_usd_per_hour"
_INPUT_CHARACTERS: Final = "input_usd_per_mchar"
_IMAGE: Final = "image_usd"
_WEB_SEARCH: Final = "web_search_usd"
_FILE_SEARCH: Final = "file_search_usd"
_REQUEST: Final = "request_usd"

_BUCKETS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "input": (_MILLION, (_INPUT,)),
    "input_image": (_MILLION, (_INPUT_IMAGE, _INPUT)),
    "input_audio": (_MILLION, (_INPUT_AUDIO, _INPUT)),
    "cache_read": (_MILLION, (_CACHE_READ, _INPUT)),
    "cache_read_image": (_MILLION, (_CACHE_READ_IMAGE, _CACHE_READ, _INPUT_IMAGE, _INPUT)),
    "cache_read_audio": (_MILLION, (_CACHE_READ_AUDIO, _CACHE_READ, _INPUT_AUDIO, _INPUT)),
    "cache_write": (_MILLION, (_CACHE_WRITE, _INPUT)),
    "cache_write_1h": (_MILLION, (_CACHE_WRITE_1H, _CACHE_WRITE, _INPUT)),
    "output": (_MILLION, (_OUTPUT,)),
    "reasoning": (_MILLION, (_REASONING, _OUTPUT)),
    "output_image": (_MILLION, (_OUTPUT_IMAGE, _OUTPUT)),
    "output_audio": (_MILLION, (_OUTPUT_AUDIO, _OUTPUT)),
    "input_seconds": (_HOUR_S, (_INPUT_HOUR,)),
    "input_characters": (_MILLION, (_INPUT_CHARACTERS,)),
    "images": (1, (_IMAGE,)),
    "web_searches": (1, (_WEB_SEARCH,)),
    "file_searches": (1, (_FILE_SEARCH,)),
    "request": (1, (_REQUEST,)),
}
"""For each bucket: how many units its price is for, and the rates that may hold, the most special one first."""

RATE_KEYS: Final = tuple(dict.fromkeys(key for _, keys in _BUCKETS.values() for key in reversed(keys)))
"""What `tracelm.init(prices=...)` may say of a model."""
# Reported beside tokens too, by models that bill the tokens alone.
_ALSO_TOLD: Final = frozenset({"input_seconds", "input_characters", "images"})


@dataclass(frozen=True, eq=False, slots=True)
class Rates:
    """The prices of one model.

    Attributes:
        given: Rate (one of `RATE_KEYS`) to USD. What is not set apart costs what the next wider kind costs: cached
            and audio input what input costs, reasoning and audio output what output costs.
        least_seconds: Audio that is shorter is billed as so long.
        per_unit: Bucket to the price of one unit in it, in `PARTS` of a US dollar. Of usual prices only those by the
            hour are no whole number.
        text: `given` as JSON.
    """

    given: Mapping[str, Decimal]
    least_seconds: int = 0
    per_unit: Mapping[str, int | Decimal] = field(init=False)
    text: str = field(init=False)
    _of_text: tuple[int, ...] | None = field(init=False)
    """The prices of `_TEXT`, where they are all there is, and whole numbers."""

    def __post_init__(self) -> None:
        found: dict[str, int | Decimal] = {}
        for bucket, (units, keys) in _BUCKETS.items():
            rate = next((self.given[key] for key in keys if key in self.given), None)
            if rate is not None:
                parts = EXACT.divide(EXACT.multiply(rate, Decimal(PARTS)), Decimal(units))
                found[bucket] = int(parts) if parts == int(parts) else parts
        object.__setattr__(self, "per_unit", found)
        of_text = [found.get(bucket) for bucket in _TEXT]
        is_whole = "request" not in found and all(isinstance(each, int) for each in of_text)
        object.__setattr__(self, "_of_text", tuple(of_text) if is_whole else None)
        pairs = (f'"{key}": {EXACT.normalize(self.given[key]):f}' for key in RATE_KEYS if key in self.given)
        object.__setattr__(self, "text", f"{{{', '.join(pairs)}}}")

    def shares(self, usage: Usage) -> dict[str, int] | None:
        """Price `usage`, without regard to a price that the provider reported.

        Returns:
            Bucket to its share of the price, in `PARTS` of a US dollar; `None` where it would be a guess: nothing was
            reported that is billed, or not all of it, something has no rate, counts contradict each other (more cached
            tokens than input), or no call can have so many.
        """
        of_text = self._of_text
        sent = usage.input_tokens
        if of_text is not None and sent is not None and not any(map(usage.__dict__.get, _BESIDE_TEXT)):  # most calls
            read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
            received = usage.output_tokens or 0
            thought = usage.reasoning_tokens or 0
            fresh, said = sent - written - read, received - thought
            if min(fresh, read, written, said, thought) >= 0 and 0 < max(sent, received) <= _MOST:
                found: dict[str, int] = {}
                # One by one: in a process that does something else in between, loops in C are slower.
                if fresh:
                    found["input"] = fresh * of_text[0]
                if read:
                    found["cache_read"] = read * of_text[1]
                if written:
                    found["cache_write"] = written * of_text[2]
                if said:
                    found["output"] = said * of_text[3]
                if thought:
                    found["reasoning"] = thought * of_text[4]
                return found
        return self._shares(usage)

    def _shares(self, usage: Usage) -> dict[str, int] | None:
        counts = self._counts(usage)
        if counts is None:
            return None
        found: dict[str, int] = {}
        per_unit = self.per_unit
        is_unpriced = False
        for bucket, count in counts.items():
            if not count:
                continue
            if not 0 < count <= _MOST:  # also what is not a number
                return None
            if bucket in per_unit:
                found[bucket] = _times(count, per_unit[bucket])
            elif bucket in _ALSO_TOLD:
                is_unpriced = True
            else:
                return None
        if not found and (is_unpriced or (usage.input_tokens is None and usage.output_tokens is None)):
            return None
        if "request" in per_unit:
            found["request"] = _times(1, per_unit["request"])
        return found

    def _counts(self, usage: Usage) -> dict[str, float] | None:
        """Take the nested counts apart, so that everything is in one bucket; `None` when that cannot be."""
        sent, received = usage.input_tokens or 0, usage.output_tokens or 0
        if usage.not_counted or max(sent, received) > _MOST or lacks_input(usage):
            return None
        read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
        images, sounds = usage.input_image_tokens or 0, usage.input_audio_tokens or 0
        drawn, spoken = usage.output_image_tokens or 0, usage.output_audio_tokens or 0
        thought, kept = usage.reasoning_tokens or 0, usage.cache_write_1h_tokens or 0
        read_images, read_sounds = usage.cache_read_image_tokens or 0, usage.cache_read_audio_tokens or 0
        if read and usage.cache_read_text_tokens != read and self._must_know_what_was_read(usage):
            return None
        if (usage.input_text_tokens or 0) + images + sounds > sent:
            return None
        if (usage.output_text_tokens or 0) + drawn + spoken > received:
            return None
        seconds: float = usage.input_seconds or 0
        return {
            "input": sent - written - (read - read_images - read_sounds) - images - sounds,
            "input_image": images - read_images,
            "input_audio": sounds - read_sounds,
            "cache_read": read - read_images - read_sounds,
            "cache_read_image": read_images,
            "cache_read_audio": read_sounds,
            "cache_write": written - kept,
            "cache_write_1h": kept,
            "output": received - thought - drawn - spoken,
            "reasoning": thought,
            "output_image": drawn,
            "output_audio": spoken,
            "input_seconds": max(seconds, self.least_seconds) if seconds > 0 else seconds,
            "input_characters": usage.input_characters or 0,
            "images": usage.images or 0,
            "web_searches": usage.web_searches or 0,
            "file_searches": usage.file_searches or 0,
        }

    def _must_know_what_was_read(self, usage: Usage) -> bool:
        """Say whether images or sounds may have come from the cache, at a price of their own, and nobody said."""
        return bool(
            (usage.input_image_tokens and usage.cache_read_image_tokens is None and _CACHE_READ_IMAGE in self.given)
            or (usage.input_audio_tokens and usage.cache_read_audio_tokens is None and _CACHE_READ_AUDIO in self.given)
        )


class Price(NamedTuple):
    """What a model costs under some condition.

    Attributes:
        rates: Per unit.
        rule: Which entry of which price list it is, and the condition.
        version: Of the price list.
    """

    rates: Rates
    rule: str
    version: str

    def cost(self, usage: Usage) -> Cost | None:
        """Price `usage`, as `Rates.shares` does."""
        shares = self.rates.shares(usage)
        return None if shares is None else self._cost(shares)

    def facts(self) -> dict[str, str]:
        """Return what the `Cost` of every call at this price says of where it is from."""
        return self._cost({}).facts()

    def _cost(self, shares: Mapping[str, int]) -> Cost:
        return Cost(shares=shares, rule=self.rule, price_version=self.version, rates=self.rates.text)


def lacks_input(usage: Usage) -> bool:
    """Say whether something came out, or was looked for, and nobody says what went in: then a part of it is unknown."""
    if usage.input_tokens is not None or usage.input_seconds or usage.input_characters:
        return False
    return usage.output_tokens is not None or bool(usage.web_searches or usage.file_searches)


def _times(count: float, rate: int | Decimal) -> int:
    if isinstance(count, int) and isinstance(rate, int):
        return count * rate
    number = count if isinstance(count, int) else Decimal(str(count))
    return int(EXACT.to_integral_value(EXACT.multiply(number, Decimal(rate))))


_TEXT: Final[tuple[str, ...]] = ("input", "cache_read", "cache_write", "output", "reasoning")
"""The buckets of a plain text, its cache and its reasoning."""
_BESIDE_TEXT: Final[tuple[str, ...]] = (
    *("cache_write_1h_tokens", "input_text_tokens", "input_image_tokens", "input_audio_tokens"),
    *("output_text_tokens", "output_image_tokens", "output_audio_tokens"),
    *("cache_read_text_tokens", "cache_read_image_tokens", "cache_read_audio_tokens"),
    *("input_seconds", "input_characters", "images", "web_searches", "file_searches", "not_counted"),
)
"""What is billed by something else than `_TEXT`, or says how a count splits up."""
