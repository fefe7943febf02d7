"""`tracelm.guarded`: guardrails around a block of code, where there is no function to decorate."""

from types import TracebackType
from typing import Any, Self

from tracelm.errors import ConfigError
from tracelm.guards.gate import Gate
from tracelm.guards.guard import of_policy
from tracelm.guards.guardrail import Guardrail
from tracelm.guards.policy import Policy
from tracelm.guards.rails import Match
from tracelm.trace.spans import span


def guarded(*guardrails: Guardrail | Policy, name: str = "guarded", match: Match = "first") -> "Guarded":
    """Guard a block of code: `with tracelm.guarded(...) as rails`, or `async with`.

    What goes in passes `rails.input(...)`, what comes out `rails.output(...)`; in async code `await
    rails.ainput(...)` and `await rails.aoutput(...)`. An output may be a stream. The block is a span.

    Args:
        *guardrails: At least one, or a `Policy`.
        name: The name of the span, and what messages call the block.
        match: As for `tracelm.guard`.

    Raises:
        ConfigError: No guardrail, or one that asks again: a block cannot be called.

    Example:
        >>> from tracelm.scorers import PII
        >>> with guarded(Guardrail(PII(), action="replace")) as rails:
        ...     rails.output("Write to ana@example.com")
        'Write to [EMAIL]'
    """
    policy, rails = of_policy(guardrails)
    for each in rails:
        if each.action == "retry":
            raise ConfigError(f"guardrail {each.name!r} asks again, but a block cannot be called: use @tracelm.guard")
        if each.argument is not None:
            raise ConfigError(f"guardrail {each.name!r} names an argument, but a block has one input: leave it out")
    return Guarded(Gate(_block(name), rails, name=name, policy=policy, match=match), name)


class Guarded:
    """A guarded block; made by `tracelm.guarded`."""

    def __init__(self, gate: Gate, name: str) -> None:
        self._gate = gate
        self._name = name
        self._span: Any = None
        self._input: Any = None

    def __enter__(self) -> Self:
        self._span = span(self._name)
        self._span.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._span.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def input(self, value: Any) -> Any:
        """Return what the guardrails of the input leave of a value.

        Raises:
            GuardrailError: It was refused, or could not be judged.
        """
        inputs: dict[str, Any] = {"value": value}
        called, args, _ = self._gate.admit((value,), {}, inputs)
        self._input = args[0] if called is self._gate.function else called(value)
        return self._input

    def output(self, value: Any) -> Any:
        """Return what the guardrails of the output leave of a value; of a stream, a guarded stream.

        Raises:
            GuardrailError: It was refused, or could not be judged.
        """
        return self._gate.release(value, (self._input,), {}, {"value": self._input})

    async def ainput(self, value: Any) -> Any:
        """Do as `input`, without holding up the event loop."""
        inputs: dict[str, Any] = {"value": value}
        called, args, _ = await self._gate.admit_later((value,), {}, inputs)
        self._input = args[0] if called is self._gate.function else called(value)
        return self._input

    async def aoutput(self, value: Any) -> Any:
        """Do as `output`, without holding up the event loop."""
        return await self._gate.release_later(value, (self._input,), {}, {"value": self._input})


def _block(name: str) -> Any:
    def block(value: object) -> object:
        return value

    block.__name__ = block.__qualname__ = name
    return block
