"""Delivering lines of the journal to a destination: in requests that it takes, with an exact account of each record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tracelm.trace.destination import Destination
from tracelm.trace.safely import report
from tracelm.trace.segments import Signal

if TYPE_CHECKING:
    from tracelm.trace.transport import Answer, Transport

_SINGLE_TOO_LARGE_BYTES: Final = 1_000_000
"""A record alone below this size is not refused for its size: the endpoint is short of something else."""
_SMALLEST_BATCH_BYTES: Final = 10_000


class TryLater(Exception):  # noqa: N818 - not an error: it ends a round
    """The endpoint cannot take anything now.

    Attributes:
        retry_after_s: What it asks to wait, in seconds.
    """

    def __init__(self, answer: "Answer") -> None:
        super().__init__(answer.reason)
        self.retry_after_s = answer.retry_after_s


@dataclass(frozen=True, slots=True)
class Sent:
    """The next lines that need not be sent again.

    Attributes:
        delivered: Records that the endpoint took.
        lost: Records that it refused for good.
    """

    delivered: int
    lost: int

    @property
    def lines(self) -> int:
        """How many lines that were."""
        return self.delivered + self.lost


class Sender:
    """Sends lines to one destination.

    Attributes:
        batch_bytes: How much to hand over at once; becomes smaller when the endpoint says that it was too much.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._transports: dict[Signal, Transport] = {}
        self.batch_bytes = 1_000_000

    @property
    def addresses(self) -> str:
        """Where it sends to, for people."""
        return ", ".join(sorted({endpoint.address for endpoint in self._destination.endpoints.values()}))

    def send(self, signal: Signal, lines: Sequence[bytes]) -> Iterator[Sent]:
        """Deliver lines in order; yields after each request what is settled.

        Raises:
            TryLater: The endpoint cannot now. What was yielded is settled, the rest is not.
        """
        if signal not in self._destination.endpoints:  # this destination does not ask for them
            yield Sent(len(lines), 0)
            return
        todo = [lines]
        while todo:
            part = todo.pop()
            lost = self._request(signal, part)
            if lost is None:
                middle = len(part) // 2
                todo += [part[middle:], part[:middle]]
            else:
                yield Sent(len(part) - lost, lost)

    def close(self) -> None:
        """Give the connections back."""
        for transport in self._transports.values():
            transport.close()

    def _request(self, signal: Signal, lines: Sequence[bytes]) -> int | None:
        """Send one request; returns how many records are lost, or `None` when it must be sent in parts."""
        try:
            body = _body(signal, lines)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if len(lines) > 1:
                return None
            report("read a line of the journal back for the export", error)
            return 1
        answer = self._transport(signal).send(body)
        match answer.outcome:
            case "accepted":
                if answer.rejected:
                    refused = f"{answer.rejected} of {len(lines)} {signal} refused: {answer.reason}"
                    report(f"deliver everything to {self.addresses}", ValueError(refused))
                return min(answer.rejected, len(lines))
            case "try_later":
                raise TryLater(answer)
            case "too_large" | "refused":
                if answer.outcome == "too_large":
                    self.batch_bytes = max(min(self.batch_bytes, sum(map(len, lines))) // 2, _SMALLEST_BATCH_BYTES)
                if len(lines) > 1:
                    return None
                if answer.outcome == "too_large" and len(body) < _SINGLE_TOO_LARGE_BYTES:
                    raise TryLater(answer)
                report(f"deliver a record to {self.addresses}", ValueError(answer.reason))
                return 1

    def _transport(self, signal: Signal) -> "Transport":
        if signal not in self._transports:
            from tracelm.trace.transport import connect

            self._transports[signal] = connect(self._destination.endpoints[signal], signal)
        return self._transports[signal]


def _body(signal: Signal, lines: Sequence[bytes]) -> bytes:
    from tracelm.otlp.protobuf import logs_request, trace_request

    request = trace_request(lines) if signal == "spans" else logs_request(lines)
    return bytes(request.SerializeToString())
