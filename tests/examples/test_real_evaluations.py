"""Evaluations on public data: saved outputs, and a real model with a model as judge, killed and taken up."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tracelm
from tracelm.testing import Spans

PROGRAM = '''
import json, os, re
import openai
import tracelm

client = openai.OpenAI(base_url=os.environ["MODEL_URL"], api_key="local")
model = os.environ["MODEL_NAME"]
made = 0


def ask(prompt, max_tokens):
    reply = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": prompt}], max_tokens=max_tokens, temperature=0
    )
    return reply.choices[0].message.content or ""


def solve(question):
    return ask(f"{question} Answer with one number.", 16)


def explain(transaction):
    return ask(f"Explain why this was flagged: {json.dumps(transaction)}", 16)


@tracelm.op
def judge(output, context):
    """A model judges; the process dies in the third judgement when it is told to."""
    global made
    made += 1
    if made == 3 and os.environ.get("DIES"):
        os.kill(os.getpid(), 9)
    verdict = ask(f"Is this a useful answer, yes or no? {output}", 4)
    return tracelm.Score(value="yes" if "yes" in verdict.lower() else "no", explanation=verdict)


def is_right(output, expected):
    return expected in re.findall(r"-?\\d+", output)


def mentions_amount(output, transaction):
    return str(transaction["amount"]) in output


def gsm8k():
    dataset = tracelm.Dataset.from_jsonl("gsm8k.jsonl")
    return tracelm.Evaluation(dataset=dataset, scorers=[is_right, judge], max_concurrency=1)


def fraud():
    rows = [{"transaction": {"amount": amount, "country": "XX"}} for amount in (4200, 12, 990, 17, 250)]
    dataset = tracelm.Dataset(name="fraud", rows=rows)
    return tracelm.Evaluation(dataset=dataset, scorers=[mentions_amount, judge], max_concurrency=1)
'''


def call(folder: Path, *arguments: str, code: int = 0, **env: str) -> Any:
    main = "import sys; from tracelm.cli.main import main; sys.argv[0] = 'tracelm'; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, *arguments, "--json"],
        cwd=folder,
        env={**os.environ, "TRACELM_HOME": str(folder / "home"), **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else None


@pytest.mark.real_model
def test_a_model_judged_by_a_model_is_killed_and_taken_up(tmp_path: Path, shared: Path) -> None:
    (tmp_path / "real.py").write_text(PROGRAM)
    lines = (shared / "datasets" / "gsm8k_test.jsonl").read_text().splitlines()[:5]
    rows = [json.loads(line) for line in lines]
    slices = [{"question": row["question"], "expected": row["answer"].rpartition("#### ")[2]} for row in rows]
    (tmp_path / "gsm8k.jsonl").write_text("\n".join(map(json.dumps, slices)))
    with tracelm.local_model.LocalModel() as model:
        env = {"MODEL_URL": model.base_url, "MODEL_NAME": model.name}
        for name, task in (("gsm8k", "solve"), ("fraud", "explain")):
            call(tmp_path, "eval", "run", f"real:{name}", "--task", f"real:{task}", code=-9, DIES="1", **env)
            (before,) = (each for each in call(tmp_path, "eval", "list") if each["name"] == name)
            assert (before["done"], before["rows"]) == (2, 5)
            done = call(tmp_path, "eval", "resume", before["run_id"], code=0, **env)
            assert done["run"]["run_id"] == before["run_id"]
            assert [row["outcome"] for row in done["rows"]] == ["scored"] * 5
            assert all(row["judge"] in {"yes", "no"} and row["output"] for row in done["rows"])
            assert done["run"]["tokens"] > 0
            traces = call(tmp_path, "show", done["rows"][0]["trace_id"])
            # The task's call and the judge's, in the trace of the row.
            assert sum(span["name"].startswith("chat ") for span in traces["spans"]) == 2


def test_the_answers_of_truthfulqa_are_judged_as_saved_outputs(shared: Path, spans: Spans) -> None:
    with (shared / "datasets" / "truthfulqa.csv").open(encoding="utf-8") as file:
        found = [dict(row) for row in csv.DictReader(file)]
    rows = [{"id": f"q{n}", "cluster": row["Category"], **row} for n, row in enumerate(found)]
    dataset = tracelm.Dataset(name="truthfulqa", rows=rows).publish()

    def among_the_correct(output: str, context: Any) -> bool:
        return output in [each.strip() for each in context.row["Correct Answers"].split(";")]

    evaluation = tracelm.Evaluation(dataset=dataset, scorers=[among_the_correct], max_concurrency=32)
    best, worst = (
        evaluation.run("Best Answer"),
        evaluation.run({row["id"]: row["Best Incorrect Answer"] for row in rows}),
    )
    expected = sum(row["Best Answer"] in [each.strip() for each in row["Correct Answers"].split(";")] for row in found)
    assert best.rows["among_the_correct"].sum() == expected
    assert expected > 700
    assert list(worst.summary.loc["among_the_correct", ["n", "scored", "mean"]]) == [790, 790, 0.0]
    with tracelm.open_store(home=spans.home) as store:
        assert [(each.task, each.done, each.dataset_version) for each in store.runs()] == [
            ("saved outputs", 790, "v0"),
            ("column 'Best Answer'", 790, "v0"),
        ]


def test_every_label_of_a_large_set_counts_once(shared: Path) -> None:
    with (shared / "datasets" / "truthfulqa_labels.csv").open(encoding="utf-8") as file:
        rows = [{"cluster": row["cluster"], "truthful": int(row["truthful"])} for row in csv.DictReader(file)]
    dataset = tracelm.Dataset(name="labels", rows=rows)

    def truthful(output: int) -> bool:
        return output == 1

    run = tracelm.Evaluation(dataset=dataset, scorers=[tracelm.scorer(name="is_truthful")(truthful)]).run("truthful")
    assert run.summary.loc["is_truthful", "n"] == 22_434
    assert run.summary.loc["is_truthful", "mean"] == pytest.approx(0.422751, abs=5e-7)


def test_a_judge_that_prefers_the_longer_answer_is_measured_on_llmbar(shared: Path) -> None:
    dataset = tracelm.Dataset.from_jsonl(shared / "datasets" / "llmbar.jsonl")
    longer = {row["id"]: 1 if len(row["output_1"]) > len(row["output_2"]) else 2 for row in dataset.rows}

    def agrees(output: int, label: int) -> bool:
        return output == label

    run = tracelm.Evaluation(dataset=dataset, scorers=[agrees]).run(longer)
    expected = sum(longer[row["id"]] == row["label"] for row in dataset.rows)
    assert (run.rows["agrees"].sum(), run.summary.loc["agrees", "n"]) == (expected, 251)
    partly = tracelm.Evaluation(dataset=dataset, scorers=[agrees]).run(dict(list(longer.items())[:200]))
    assert partly.rows["outcome"].value_counts().to_dict() == {"scored": 200, "task_error": 51}
    assert "no output was saved for row 200 (id " in str(partly.rows["error"][200])
    with pytest.raises(tracelm.EvaluationError, match="1 saved outputs belong to no row, the first is that of 'x'"):
        tracelm.Evaluation(dataset=dataset, scorers=[agrees]).run({**longer, "x": 1})
