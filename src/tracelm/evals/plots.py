"""Small drawings for the HTML report: inline SVG, coloured by the page's own style sheet."""

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Final

from tracelm.evals.statistics import Interval

_WIDTH: Final = 240
_HEIGHT: Final = 26
_PAD: Final = 8
_BINS: Final = 21


def interval_plot(found: Interval, *, other: Interval | None = None) -> str:
    """Draw a mean with its interval on an axis, and that of a baseline below it, fainter.

    Args:
        found: The mean; scores between 0 and 1 are drawn on that whole axis.
        other: The baseline's.
    """
    numbers = [each for one in (found, other) if one is not None for each in (one.mean, one.low, one.high)]
    low, high = _axis([each for each in numbers if each is not None])
    middle = _HEIGHT / 2
    parts = [f'<line class="axis" x1="{_PAD}" x2="{_WIDTH - _PAD}" y1="{_HEIGHT - 3}" y2="{_HEIGHT - 3}"/>']
    for end in (0.0, 0.5, 1.0):
        x = _PAD + end * (_WIDTH - 2 * _PAD)
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_HEIGHT - 6}" y2="{_HEIGHT}"/>')
    if other is not None:
        parts += _whisker(other, low, high, middle + 4, "base")
    parts += _whisker(found, low, high, middle - 4 if other is not None else middle - 2, "mark")
    label = f"{found.mean:.4g}, interval {_text(found.low)} to {_text(found.high)}, axis {low:.4g} to {high:.4g}"
    return _svg(parts, label)


def difference_plot(
    difference: float, low: float, high: float, *, span: float, margin: float | None, verdict: str
) -> str:
    """Draw a difference with its interval around 0, and the margin as a band.

    Args:
        difference: The mean difference.
        low: Lower end of the interval.
        high: Upper end.
        span: How far the axis reaches to both sides of 0.
        margin: The difference that does not matter.
        verdict: Gives the colour.
    """
    reach = span or 1.0
    parts: list[str] = []
    if margin:
        left, right = _place(-min(margin, reach), -reach, reach), _place(min(margin, reach), -reach, reach)
        parts.append(f'<rect class="band" x="{left:.1f}" y="2" width="{right - left:.1f}" height="{_HEIGHT - 4}"/>')
    zero = _place(0, -reach, reach)
    parts.append(f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="1" y2="{_HEIGHT - 1}"/>')
    kind = {"better": "good", "worse": "bad"}.get(verdict, "open")
    parts += _whisker(Interval(difference, None, low, high, 0), -reach, reach, _HEIGHT / 2, kind)
    return _svg(parts, f"difference {difference:+.3g}, interval {low:+.3g} to {high:+.3g}, axis ±{reach:.3g}")


def histogram(differences: Sequence[float], *, lower_is_better: bool) -> str:
    """Draw how many rows differ by how much; rows that are the same are counted in the label only.

    Args:
        differences: One a pair.
        lower_is_better: Whether a negative difference is the good one.
    """
    apart = [each for each in differences if each]
    same = len(differences) - len(apart)
    reach = max(map(abs, apart), default=1.0)
    half = _BINS // 2
    # Away from 0, so that the middle stays free: what differs at all has a side.
    counts = Counter(half + int(math.copysign(math.ceil(abs(each) / reach * half - 1e-9) or 1, each)) for each in apart)
    tallest = max(counts.values(), default=1)
    width, height, step = 480, 118, (480 - 2 * _PAD) / _BINS
    parts: list[str] = []
    for index in range(_BINS):
        if not counts[index]:
            continue
        tall = counts[index] / tallest * (height - 36)
        x = _PAD + index * step
        kind = "good" if (index > half) != lower_is_better else "bad"
        parts.append(
            f'<rect class="{kind}" x="{x + 1:.1f}" y="{height - 16 - tall:.1f}" width="{step - 2:.1f}" '
            f'height="{tall:.1f}"/>'
            f'<text x="{x + step / 2:.1f}" y="{height - 19 - tall:.1f}" text-anchor="middle">{counts[index]}</text>'
        )
    zero = width / 2
    parts.append(f'<line class="zero" x1="{zero}" x2="{zero}" y1="4" y2="{height - 14}"/>')
    parts.append(f'<text x="{_PAD}" y="{height - 2}">{-reach:+.3g}</text>')
    parts.append(f'<text x="{zero}" y="{height - 2}" text-anchor="middle">0 ({same} rows the same)</text>')
    parts.append(f'<text x="{width - _PAD}" y="{height - 2}" text-anchor="end">{reach:+.3g}</text>')
    return _svg(parts, f"{len(apart)} rows differ, {same} are the same", width=width, height=height)


def _axis(numbers: Sequence[float]) -> tuple[float, float]:
    low, high = min(numbers), max(numbers)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    low = min(low, 0.0)
    return (low, high) if high > low else (low, low + 1.0)


def _place(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low)
    return _PAD + min(1.0, max(0.0, share)) * (_WIDTH - 2 * _PAD)


def _whisker(found: Interval, low: float, high: float, y: float, kind: str) -> list[str]:
    parts: list[str] = []
    if found.low is not None and found.high is not None:
        left, right = _place(found.low, low, high), _place(found.high, low, high)
        parts.append(f'<line class="{kind}" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts += [
            f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 3:.1f}" y2="{y + 3:.1f}"/>' for x in (left, right)
        ]
    parts.append(f'<circle class="{kind}" cx="{_place(found.mean, low, high):.1f}" cy="{y:.1f}" r="3.5"/>')
    return parts


def _svg(parts: Sequence[str], label: str, *, width: int = _WIDTH, height: int = _HEIGHT) -> str:
    name = escape(label)
    return (
        f'<svg role="img" aria-label="{name}" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>{name}</title>{''.join(parts)}</svg>"
    )


def _text(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"
