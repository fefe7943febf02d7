"""`EvaluationLogger`: you own the loop, and say what came out; the records are those of an `Evaluation`."""

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from opentelemetry import context as otel_context
from opentelemetry import trace

from tracelm import semconv
from tracelm.data.content import digest_of, digest_of_digests, owned
from tracelm.data.dataset import Dataset
from tracelm.errors import DatasetError, EvaluationError
from tracelm.evals.exact import record_output
from tracelm.evals.provenance import Provenance, git_state
from tracelm.evals.run import EvalRun, Outcome, RowResult
from tracelm.scoring.score import Score, ScoreValue, named_scores
from tracelm.trace.context import detach
from tracelm.trace.scores import emit, record_score
from tracelm.trace.spans import INERT, SpanHandle, end_safely, open_span, record_end_of
from tracelm.trace.tally import Tally, tally

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context


class EvaluationLogger:
    """Records predictions and scores that your own loop makes, as an evaluation run.

    A prediction whose inputs were there before is a further trial of that row. Also a context manager, which calls
    `finish` at its end.

    Args:
        name: What the run is called.
        task: What is evaluated.
        task_version: Which version of it; left out, "unknown".
        settings: Further facts for `EvalRun.provenance`.

    Attributes:
        run_id: The id of the run, 16 hex digits.

    Example:
        >>> with EvaluationLogger("sums", task="adder") as logger:
        ...     with logger.prediction({"a": 1, "b": 1}) as prediction:
        ...         prediction.output = 2
        ...         prediction.log_score("right", prediction.output == 2)
        >>> float(logger.finish().summary.loc["right", "mean"])
        1.0
    """

    def __init__(
        self,
        name: str,
        *,
        task: str = "task",
        task_version: str = "unknown",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.run_id = secrets.token_hex(8)
        self._name = name
        self._task = task
        self._task_version = task_version
        self._settings = dict(settings or {})
        self._lock = threading.Lock()
        self._digests: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []
        self._trials: dict[int, int] = {}
        self._open: list[Prediction] = []
        self._results: list[RowResult] = []
        self._run: EvalRun | None = None
        self._span = open_span(
            f"evaluate {name}",
            trace.set_span_in_context(INERT),
            inputs=None,
            attributes=self._attributes(),
            links=(),
        )
        emit(semconv.STARTED_EVENT, self._attributes(), on=self._span.get_span_context())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if error is not None:
            record_end_of(self._span, error)
        self.finish()

    def prediction(self, inputs: Mapping[str, Any]) -> "Prediction":
        """Begin a prediction, for a `with` block: what is recorded inside belongs to it, and its cost is counted.

        Args:
            inputs: The row: its columns by name, plain data as in a `Dataset`. `expected`, `id`, `cluster` and
                `metadata` mean what they mean there.

        Raises:
            DatasetError: The inputs are no plain data.
            EvaluationError: The run is finished.
        """
        try:
            columns: dict[str, Any] = owned(inputs)
        except (TypeError, RecursionError) as error:
            raise DatasetError(f"inputs of a prediction: {error}") from None
        with self._lock:
            if self._run is not None:
                raise EvaluationError(f"run {self.run_id} is finished: make a new EvaluationLogger")
            digest = digest_of(columns)
            row = self._digests.setdefault(digest, len(self._rows))
            if row == len(self._rows):
                self._rows.append(columns)
            trial = self._trials[row] = self._trials.get(row, -1) + 1
            begun = Prediction(self, columns, row=row, trial=trial, digest=digest, links=[self._span])
            self._open.append(begun)
        return begun

    def log_prediction(
        self, inputs: Mapping[str, Any], output: object, *, scores: Mapping[str, ScoreValue | Score] | None = None
    ) -> "Prediction":
        """Record what came out for a row.

        Args:
            inputs: As for `prediction`.
            output: What came out.
            scores: Its scores by name. With them the prediction is finished, and on disk when this returns; without
                them it is open until `Prediction.finish`, or until the run is finished.

        Raises:
            DatasetError: The inputs are no plain data.
            EvaluationError: The run is finished, or a score is none.
        """
        begun = self.prediction(inputs)
        begun.output = output
        if scores is not None:
            for name, value in scores.items():
                begun.log_score(name, value)
            begun.finish()
        return begun

    def finish(self) -> EvalRun:
        """End the run: finish what is open, and return all of it. Called again, it returns the same."""
        for each in list(self._open):
            each.finish()
        with self._lock:
            if self._run is not None:
                return self._run
            results = sorted(self._results, key=lambda each: (each.row, each.trial))
            provenance = self._provenance()
            self._span.set_attributes(
                {
                    semconv.RUN_ROWS: provenance.rows,
                    semconv.RUN_TRIALS: provenance.trials,
                    semconv.DATASET_DIGEST: provenance.dataset_digest,
                    semconv.RUN_PROVENANCE: provenance.as_json(),
                }
            )
            end_safely(self._span)
            self._run = EvalRun(
                run_id=self.run_id,
                name=self._name,
                task=self._task,
                scorers=[],
                results=results,
                dataset=self._dataset(),
                provenance=provenance,
            )
            return self._run

    def ended(self, prediction: "Prediction", result: RowResult) -> None:
        """Take the result of a prediction; it calls this itself."""
        with self._lock:
            self._open.remove(prediction)
            self._results.append(result)

    def _attributes(self) -> dict[str, Any]:
        return {
            semconv.RUN_ID: self.run_id,
            semconv.RUN_NAME: self._name,
            semconv.DATASET_NAME: self._name,
            semconv.TASK_NAME: self._task,
            semconv.TASK_VERSION: self._task_version,
        }

    def _dataset(self) -> Dataset | None:
        try:
            return Dataset(name=self._name, rows=self._rows)
        except DatasetError:  # rows of several shapes
            return None

    def _provenance(self) -> Provenance:
        commit, dirty = git_state()
        return Provenance(
            dataset=self._name,
            dataset_digest=digest_of_digests(self._digests),
            rows=len(self._rows),
            trials=max(self._trials.values(), default=0) + 1,
            task=self._task,
            task_version=self._task_version,
            task_parameters=list(self._rows[0]) if self._rows else [],
            settings=self._settings,
            git_commit=commit,
            git_dirty=dirty,
        )


class Prediction:
    """One row and trial of an `EvaluationLogger`. Also a context manager, which calls `finish` at its end.

    Attributes:
        output: What came out; set it.
    """

    def __init__(
        self,
        logger: EvaluationLogger,
        columns: Mapping[str, Any],
        *,
        row: int,
        trial: int,
        digest: str,
        links: Sequence[trace.Span],
    ) -> None:
        self.output: Any = None
        self._logger = logger
        self._row, self._trial, self._digest = row, trial, digest
        self._about = {
            semconv.RUN_ID: logger.run_id,
            semconv.ROW_DIGEST: digest,
            semconv.ROW_INDEX: row,
            semconv.TRIAL: trial,
        }
        valid = [each.get_span_context() for each in links if each.get_span_context().is_valid]
        around = trace.set_span_in_context(INERT)
        self._handle = SpanHandle(
            open_span("evaluation row", around, inputs=columns, attributes=self._about, links=valid)
        )
        self._scores: dict[str, Score] = {}
        self._start_s = time.perf_counter()
        self._latency_s: float | None = None
        self._used: Tally | None = None
        self._counting: AbstractContextManager[Tally] | None = None
        self._token: Token[Context] | None = None
        self._is_finished = False

    def __enter__(self) -> Self:
        self._counting = tally(self._handle.trace_id)
        self._used = self._counting.__enter__()
        self._token = otel_context.attach(trace.set_span_in_context(self._handle.otel))
        self._start_s = time.perf_counter()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._latency_s = time.perf_counter() - self._start_s
        detach(self._token)
        if self._counting is not None:
            self._counting.__exit__(None, None, None)
        self.finish(error=error)

    def log_score(self, name: str, value: ScoreValue | Score, *, explanation: str | None = None) -> None:
        """Score the output.

        Args:
            name: What is judged.
            value: True or False, a number, a label, or a `Score`.
            explanation: Why.

        Raises:
            EvaluationError: It is no score, or the prediction is finished.
        """
        if self._is_finished:
            raise EvaluationError("this prediction is finished: log scores before, or use tracelm.score")
        try:
            given = value if isinstance(value, Score) else Score(value=value, explanation=explanation)
            [(found, score)] = named_scores(name, given).items()
        except (TypeError, ValueError) as error:
            raise EvaluationError(f"score {name!r}: {error}") from None
        self._scores[found] = score
        record_score(found, score, on=self._handle.context, source="eval", attributes=self._about)

    def finish(self, *, error: BaseException | None = None) -> None:
        """End the prediction; it is on disk when this returns. Called again, it does nothing.

        Args:
            error: What went wrong instead of an output.
        """
        if self._is_finished:
            return
        self._is_finished = True
        outcome: Outcome = "scored"
        cost_usd = None if self._used is None else self._used.cost_usd
        why: str | None = None
        if error is not None:
            outcome, why = "task_error", f"{type(error).__name__}: {error}"
            record_end_of(self._handle.otel, error)
        else:
            record_output(self._handle, self.output)
            if any(score.value is None for score in self._scores.values()):
                outcome = "refused_to_score"
        if self._latency_s is not None:
            self._handle.set_attribute(semconv.ROW_LATENCY, self._latency_s)
        if cost_usd is not None:
            self._handle.set_attribute(semconv.ROW_COST, cost_usd)
        self._handle.set_attribute(semconv.ROW_OUTCOME, outcome)
        end_safely(self._handle.otel)
        self._logger.ended(
            self,
            RowResult(
                row=self._row,
                trial=self._trial,
                outcome=outcome,
                output=None if error is not None else self.output,
                error=why,
                latency_s=self._latency_s,
                cost_usd=cost_usd,
                trace_id=self._handle.trace_id if self._handle.context.is_valid else None,
                scores=dict(self._scores),
                row_digest=self._digest,
            ),
        )
