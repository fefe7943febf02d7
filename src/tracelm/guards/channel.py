"""`Channel`: one text of a stream behind its guardrails. What it lets go is never taken back.

The end of the text is held back until no guardrail can find anything in it that begins there, whatever follows. Only
the end is judged, with as much before it as the scorers need to see: the cost is linear in the text. A scorer that must
see all of it is asked less and less often, or at the end.
"""

from collections.abc import Generator, Sequence
from typing import Final, TypeAlias

from tracelm.guards.holding import asked_at, before_last, cut_before, settled
from tracelm.guards.mask import Span, mask
from tracelm.guards.tally import Tally
from tracelm.scoring.call import Judgement

Asking: TypeAlias = Generator[tuple[Tally, str], Judgement, str]
"""Yields who is to judge which text, is sent the judgement, and returns the text that may go on."""

MAX_HELD: Final = 65_536
"""What is found may be so long, in characters; a longer one stops the stream."""
_MOST_KEPT: Final = 10_000_000
_SHARE: Final = 4
_PACED_SHARE: Final = 32  # a sentence should not wait for a quarter of the next one
_WIDTHLESS: Final = 4
_SPARE: Final = 64
"""So much too much is kept before the text is cut: each cut copies it, each look searches it."""


class Channel:
    """One text of a stream.

    Args:
        tallies: The guardrails over it.
    """

    __slots__ = (
        "_base",
        "_enforcing",
        "_kept",
        "_kept_chars",
        "_look_at",
        "_marks",
        "_new",
        "_out",
        "_paced",
        "_seen",
        "_size",
        "_text",
        "_watching",
    )

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self._enforcing = [each for each in tallies if each.enforces]
        self._watching = [each for each in tallies if not each.enforces]
        self._text = ""
        self._new: list[str] = []
        self._size = 0
        self._base = 0
        self._out = 0
        waits = any(each.guardrail.waits_for_end for each in self._enforcing)
        self._look_at: float = float("inf") if waits else 0
        # Those that take any place come last: they go by what is left.
        self._paced = sorted(filter(_whole, self._enforcing), key=lambda each: each.guardrail.release != "sentence")
        self._seen = dict.fromkeys(self._watching, 0)
        self._kept: list[str] | None = [] if any(map(_whole, self._watching)) else None
        self._kept_chars = 0
        self._marks: list[Span] = []

    def feed(self, piece: str, *, is_last: bool = False) -> Asking:
        """Take what has come, and return what may go on; at the end all of it.

        Raises:
            Stopped: A guardrail lets the stream go no further.
        """
        self._new.append(piece)
        self._size += len(piece)
        if self._kept is not None and self._kept_chars < _MOST_KEPT:
            self._kept.append(piece)
            self._kept_chars += len(piece)
        if self._size < self._look_at and not is_last:
            return ""
        self._text = "".join([self._text, *self._new])
        self._new.clear()
        released = yield from self._release(is_last)
        if self._watching:
            yield from self._watch(is_last)
        self._forget()
        return released

    def _release(self, is_last: bool) -> Asking:
        text, done = self._text, self._out
        if not self._enforcing:
            self._out = len(text)
            return text[done:]
        cut = len(text)
        if not is_last:
            cut = min(settled(each.check, text) for each in self._enforcing)
            for each in self._paced:
                cut = asked_at(each.guardrail.release, text, done, cut)
        if cut <= done:
            if not is_last:
                self._wait()
                return ""
            if not text:
                return ""
        found: list[tuple[Tally, Span]] = []
        self._marks.clear()
        for each in self._enforcing:
            # What has not been said to its end would only mislead one that judges the sense.
            spans = each.found((yield each, text[:cut] if _whole(each) else text))
            if spans and _whole(each) and not each.masks:
                each.count(spans)
                each.stop()
            self._marks += spans or ()
            found += [(each, _clipped(span, done)) for span in spans or () if span.end > done]
        goes_on = len(text) if is_last else len(text) - 1
        cut, open_ = _before_open([span for _, span in found], cut, goes_on=goes_on)
        if cut <= done and not is_last:
            if len(text) - done > MAX_HELD and open_ is not None:
                next(each for each, span in found if span is open_).stop(
                    because=f"; what it found is longer than {MAX_HELD:,} characters, which cannot be held back"
                )
            self._wait()
            return ""
        inside = sorted((span for _, span in found if span.end <= cut))
        for each in self._enforcing:
            own = [span for tally, span in found if tally is each and span.end <= cut]
            each.count([Span(span.start + self._base, span.end + self._base, span.type) for span in own])
        for each in self._enforcing:
            if not each.masks and any(tally is each and span.end <= cut for tally, span in found):
                each.stop()
        self._out = cut
        self._look_at = 0
        return mask(text[done:cut], [Span(span.start - done, span.end - done, span.type) for span in inside])

    def _wait(self) -> None:
        # To look again and again at a long text that cannot go on yet would cost the square of it.
        share = _PACED_SHARE if self._paced else _SHARE
        self._look_at = self._size + (len(self._text) - self._out) // share

    def _watch(self, is_last: bool) -> Generator[tuple[Tally, str], Judgement]:
        for each in self._watching:
            if _whole(each):
                if is_last and self._kept is not None:
                    each.count(each.found((yield each, "".join(self._kept))) or [])
                continue
            text, seen = self._text, self._seen[each] - self._base
            cut = len(text) if is_last else settled(each.check, text)
            if cut <= seen:
                continue
            all_spans = each.found((yield each, text)) or []
            self._marks += all_spans
            spans = [_clipped(span, seen) for span in all_spans if span.end > seen]
            cut, _ = _before_open(spans, cut, goes_on=len(text) if is_last else len(text) - 1)
            each.count([Span(s.start + self._base, s.end + self._base, s.type) for s in spans if s.end <= cut])
            self._seen[each] = max(self._seen[each], cut + self._base)

    def _forget(self) -> None:
        keep = min([self._out, *(place - self._base for place in self._seen.values())])
        if any(map(_whole, self._enforcing)):
            return
        reach = max((each.guardrail.reach or 0 for each in (*self._enforcing, *self._watching)), default=0)
        if keep - reach < _SPARE:
            return
        # What has no width comes on top, within bounds: a stream of nothing else must not be kept whole.
        start = max(before_last(self._text[:keep], reach), keep - _WIDTHLESS * reach)
        if start < _SPARE:
            return
        # What is found depends on where one begins to read: not inside of something.
        start, _ = _before_open(self._marks, cut_before(self._text, start), goes_on=len(self._text))
        self._marks.clear()
        self._text = self._text[start:]
        self._base += start
        self._out -= start


def _whole(tally: Tally) -> bool:
    return tally.guardrail.reach is None


def _clipped(span: Span, done: int) -> Span:
    # Nothing that was let go can be taken back: of what reaches into it, the rest is taken out.
    return span if span.start >= done else Span(done, span.end, span.type)


def _before_open(spans: Sequence[Span], cut: int, *, goes_on: int) -> tuple[int, Span | None]:
    """Move a cut before the findings that it would cut in two; return the first such finding, too.

    Args:
        spans: The findings.
        cut: Where to cut.
        goes_on: A finding that ends behind this place may go on in what follows.
    """
    open_ = None
    for span in sorted(spans, reverse=True):
        if span.start < cut and (span.end > cut or span.end > goes_on):
            cut, open_ = span.start, span
    return cut, open_
