"""The state machine of an alert, for any course of things."""

from dataclasses import asdict, replace

import hypothesis.strategies as st
from hypothesis import given

from tracelm.monitors.alerts.state import AlertState, Finding, Rules, step
from tracelm.store.alert_notice import Kind

S = 10**9
FINDINGS: st.SearchStrategy[Finding] = st.sampled_from(["beyond", "within", "unclear", "no data"])
COURSE = st.lists(st.tuples(FINDINGS, st.integers(-50, 400)), max_size=60)
RULES = st.builds(
    Rules,
    no_data=st.sampled_from(["ok", "alert", "keep"]),
    after_s=st.sampled_from([0, 60, 300]),
    resolve_after_s=st.sampled_from([0, 60, 300]),
    renotify_s=st.sampled_from([None, 30, 600]),
)


def run(rules: Rules, course: list[tuple[Finding, int]]) -> list[tuple[int, AlertState, Kind | None]]:
    """Return the moment, the state and the notice of each look; steps are seconds from look to look."""
    now_ns, state = 1_000 * S, None
    found: list[tuple[int, AlertState, Kind | None]] = []
    for finding, wait_s in course:
        now_ns += wait_s * S
        state, notice = step(rules, state, finding, now_ns=now_ns)
        found.append((now_ns, state, notice))
    return found


@given(RULES, COURSE)
def test_status_and_notices_tell_the_same_story(rules: Rules, course: list[tuple[Finding, int]]) -> None:
    status = "ok"
    for _, state, notice in run(rules, course):
        if notice in {None, "still"}:
            assert state.status == status
        elif notice == "resolved":
            assert (status != "ok", state.status) == (True, "ok")
        else:
            assert status != state.status == notice
        assert notice != "still" or status != "ok"
        status = state.status


@given(RULES, COURSE)
def test_it_says_again_that_it_goes_on_but_not_more_often_than_it_may(
    rules: Rules, course: list[tuple[Finding, int]]
) -> None:
    told_ns: int | None = None
    for now_ns, _, notice in run(rules, course):
        if notice == "still":
            assert rules.renotify_s is not None
            assert told_ns is not None
            assert now_ns - told_ns >= rules.renotify_s * S
        told_ns = now_ns if notice is not None else told_ns


@given(RULES, COURSE)
def test_it_changes_only_after_it_has_looked_so_for_long_enough(
    rules: Rules, course: list[tuple[Finding, int]]
) -> None:
    before: AlertState | None = None
    for (now_ns, state, notice), (finding, _) in zip(run(rules, course), course, strict=True):
        if notice == "firing":
            began = now_ns if before is None or before.turning_to != "firing" else before.turning_ns
            assert finding == "beyond"
            assert now_ns - (began or now_ns) >= rules.after_s * S
        if notice == "resolved":
            assert before is not None
            began = before.turning_ns if before.turning_to == "ok" else now_ns
            assert now_ns - (began or now_ns) >= rules.resolve_after_s * S
        before = state


@given(RULES, COURSE, st.integers(0, 60))
def test_a_process_that_begins_anew_goes_on_as_if_nothing_had_been(
    rules: Rules, course: list[tuple[Finding, int]], at: int
) -> None:
    whole = run(rules, course)
    now_ns, state = 1_000 * S, None
    for (finding, wait_s), (_, expected, notice) in zip(course, whole, strict=True):
        now_ns += wait_s * S
        stored = None if state is None else AlertState(**asdict(state))
        state, said = step(rules, stored, finding, now_ns=now_ns)
        assert (state, said) == (expected, notice)


@given(RULES, COURSE, FINDINGS)
def test_looking_twice_at_one_moment_says_nothing_twice(
    rules: Rules, course: list[tuple[Finding, int]], finding: Finding
) -> None:
    quiet = replace(rules, renotify_s=None)
    now_ns, state = 10**15, None
    for _, state, _ in run(quiet, course):  # noqa: B007 - the last one counts
        pass
    first, _ = step(quiet, state, finding, now_ns=now_ns)
    second, said = step(quiet, first, finding, now_ns=now_ns)
    assert (second.status, said) == (first.status, None)


def test_too_few_values_mean_what_the_rules_say() -> None:
    def after(mode: str, finding: Finding) -> list[Kind | None]:
        rules = Rules(no_data=mode)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return [notice for _, _, notice in run(rules, [(finding, 0), ("no data", 60), ("unclear", 60)])]

    assert after("keep", "beyond") == ["firing", None, None]
    assert after("ok", "beyond") == ["firing", "resolved", None]
    assert after("alert", "beyond") == ["firing", "no data", "resolved"]
    assert after("alert", "within") == [None, "no data", "resolved"]
