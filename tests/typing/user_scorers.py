"""A program with ready-made scorers, judges, and scorers made of scorers."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import tracelm
from tracelm.scorers import AtLeast, Contains, Judge, Length, Named, Not, On, Panel, Recall, TokenF1, ToolTrajectory

tone = Judge(rubric="Is it polite?", model="m", scale={"polite": 1, "rude": 0.0}, passes_at=0.5)
stars = Judge(rubric="How good is it?", model="m", scale=range(1, 6), repeats=3, temperature=1.0)
faithful = Judge.of("faithfulness", model="m", sees=("output.answer", "output.documents"))
panel = Panel(judges=(tone, stars, faithful), combine="mean")
found = On(Recall(k=3), {"output": "output.documents"})
combined = [Named(Not(Contains(phrases=("guarantee",))), "careful"), AtLeast(TokenF1(), 0.5), found, panel]

assert_type(faithful, Judge)
assert_type(Length(at_most=10).score(output="text"), tracelm.Score)
assert_type(stars.score(inputs="why", output="because"), tracelm.Score)

ToolTrajectory(arguments="subset")
ToolTrajectory(arguments="fuzzy")  # type: ignore[arg-type]
Contains(phrases="please")  # type: ignore[arg-type]
Judge.of("wit", model="m")  # type: ignore[arg-type]
Judge(rubric="Is it polite?")  # type: ignore[call-arg]
