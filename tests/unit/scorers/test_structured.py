"""Scorers of structured outputs."""

import json
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracelm
from tracelm.scorers import JsonMatch, MatchesModel, MatchesSchema, ValidJson, ValidSql, ValidXml

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_whatever_json_writes_is_valid_and_equal_to_itself(value: Any) -> None:
    text = json.dumps(value)
    assert ValidJson().score(output=text) == tracelm.Score(value=True)
    assert ValidJson(repair=True).score(output=text).details == {"repaired": False}
    assert JsonMatch().score(output=text, expected=text).value is True
    assert JsonMatch(any_order=True, subset=True).score(output=json.dumps(value, indent=1), expected=text).value is True


@pytest.mark.parametrize(
    "output", ["", "NaN", "[1,]", "{'a': 1}", '{"a": 1} and more', "yes", '{"a": 1, "a": 2}', "[" * 100_000]
)
def test_what_is_nearly_json_is_not_valid(output: str) -> None:
    score = ValidJson().score(output=output)
    assert score.value is False
    assert score.explanation


@pytest.mark.parametrize("output", ["```json\n[1, 2]\n```", "{'a': 1}", '{"a": 1,}', '{"a": 1', 'Here it is: {"a": 1}'])
def test_repair_forgives_what_models_do(output: str) -> None:
    assert ValidJson(repair=True).score(output=output).details == {"repaired": True}


@pytest.mark.parametrize("output", ["", "yes", "I cannot do that.", "NaN"])
def test_repair_makes_no_json_of_prose(output: str) -> None:
    assert ValidJson(repair=True).score(output=output).value is False


def test_five_megabytes_of_json_are_refused_with_a_reason() -> None:
    score = ValidJson().score(output="[" + "1," * 2_500_000 + "1]")
    assert score.value is False
    assert score.explanation == "5,000,003 characters are more than 2,000,000"


SCHEMA = {
    "type": "object",
    "properties": {
        "people": {"type": "array", "items": {"type": "object", "properties": {"age": {"type": "integer"}}}}
    },
    "required": ["people"],
}


def test_a_schema_says_where_it_is_not_met() -> None:
    scorer = MatchesSchema(schema=SCHEMA)
    assert scorer.score(output='{"people": [{"age": 3}]}') == tracelm.Score(value=True)
    score = scorer.score(output={"people": [{"age": 3}, {"age": "four"}]})
    assert score.explanation == "/people/1/age: 'four' is not of type 'integer'"
    assert score.details["errors"] == [{"path": "/people/1/age", "message": "'four' is not of type 'integer'"}]
    assert scorer.score(output="{}").explanation == "/: 'people' is a required property"
    assert str(scorer.score(output="no").explanation).startswith("no JSON: ")


def test_a_schema_that_is_none_is_refused_and_none_fetches_anything() -> None:
    with pytest.raises(tracelm.ConfigError, match="schema is none: /type"):
        MatchesSchema(schema={"type": "strange"})
    remote = MatchesSchema(schema={"$ref": "http://127.0.0.1:9/schema.json"})
    with pytest.raises(Exception, match="Unresolvable"):
        remote.score(output="{}")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
    ],
)
def test_no_text_hangs_a_pattern_of_a_schema(schema: dict[str, Any]) -> None:
    # With a backtracking engine this would not end.
    long = "a" * 100_000 + "!"
    assert MatchesSchema(schema=schema).score(output={"a": long, long: 1}).value is False


def test_patterns_of_a_schema_mean_what_json_schema_says() -> None:
    scorer = MatchesSchema(
        schema={
            "properties": {"id": {"pattern": "[0-9]{3}"}},
            "patternProperties": {"^n_": {"type": "integer"}},
            "additionalProperties": {"type": "string"},
        }
    )
    assert scorer.score(output={"id": "x123y", "n_a": 1, "other": "text"}).value is True
    score = scorer.score(output={"id": "12", "n_a": "one", "other": 1})
    assert [each["path"] for each in score.details["errors"]] == ["/id", "/n_a", "/other"]
    closed = MatchesSchema(schema={"properties": {"a": {}}, "additionalProperties": False})
    assert closed.score(output={"a": 1, "b": 2}).explanation == '/: not expected: "b"'
    with pytest.raises(tracelm.ConfigError, match="RE2"):
        MatchesSchema(schema={"items": {"pattern": "(?=a)"}})


def test_what_would_take_too_long_is_refused_with_a_reason() -> None:
    many = json.dumps(list(range(2_000)))
    assert JsonMatch(any_order=True).score(output=many, expected=many).explanation == (
        "refused to score: a list of more than 1,000 items cannot be compared in any order"
    )
    assert JsonMatch().score(output=many, expected=many).value is True
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    assert JsonMatch().score(output=deep, expected=deep).value is None
    hostile = ValidJson(repair=True).score(output="{'" * 10_000)
    assert hostile.value is False
    assert str(hostile.explanation).endswith("20,000 characters are too many to repair")
    assert ValidJson(repair=True).score(output="```json\n[" + "1, " * 100_000 + "1]\n```").value is True


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_a_model_says_which_field_it_does_not_take_and_never_the_value() -> None:
    scorer = MatchesModel(model=Person)
    assert scorer.score(output='{"name": "Ana", "age": "3"}').value is True
    assert MatchesModel(model=Person, strict=True).score(output='{"name": "Ana", "age": "3"}').value is False
    score = scorer.score(output={"name": "secret-name", "age": "secret-age"})
    assert score.details["errors"] == [
        {"path": "age", "message": "Input should be a valid integer, unable to parse string as an integer"}
    ]
    assert "secret" not in str(score)
    assert str(scorer.score(output="{").explanation).startswith("Invalid JSON")


def test_a_model_with_another_field_is_another_version() -> None:
    def model(**fields: Any) -> type[pydantic.BaseModel]:
        return pydantic.create_model("Person", **fields)

    versions = {MatchesModel(model=model(age=kind)).version for kind in (int, str)}
    assert len(versions) == 2
    with pytest.raises(tracelm.ConfigError, match="no subclass"):
        MatchesModel(model=dict)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("output", "kinds"),
    [
        ("SELECT 1", ["SELECT"]),
        ("select a, count(*) from t where x > 3 group by a;", ["SELECT"]),
        ("WITH x AS (SELECT 1) SELECT * FROM x", ["SELECT"]),
        ("SELECT 1 UNION SELECT 2", ["UNION"]),
        ("INSERT INTO t VALUES (1); DELETE FROM t", ["INSERT", "DELETE"]),
        ("CREATE TABLE t (a INT)", ["CREATE"]),
    ],
)
def test_sql_parses_and_its_kinds_are_told(output: str, kinds: list[str]) -> None:
    assert ValidSql().score(output=output) == tracelm.Score(value=True, details={"statements": kinds})


@pytest.mark.parametrize(
    "output", ["", ";", "SELEC 1", "SELECT FROM WHERE", "I cannot write that", "users", "42", "(" * 50_000]
)
def test_what_is_no_sql_does_not_parse(output: str) -> None:
    score = ValidSql().score(output=output)
    assert score.value is False
    assert score.explanation


@pytest.mark.parametrize(
    "output", ["DROP TABLE t", "SELECT 1; DELETE FROM t", "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d"]
)
def test_only_allowed_statements_pass_also_where_one_hides_in_another(output: str) -> None:
    scorer = ValidSql(dialect="postgres", allow=("select",))
    assert scorer.score(output="SELECT 1").value is True
    assert scorer.score(output=output).value is False


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(tracelm.ConfigError, match="dialect="):
        ValidSql(dialect="klingon")


def test_xml_is_parsed_without_expanding_anything() -> None:
    assert ValidXml().score(output="<a><b/>ü</a>").value is True
    assert ValidXml(root="b").score(output="<a/>").explanation == "the root is a, not b"
    for output in ("", "text", "<a>", "<a></a><b></b>", "<a>&unknown;</a>"):
        assert ValidXml().score(output=output).value is False
    laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'
    reads = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    for output in (laughs, reads):
        assert ValidXml().score(output=output).explanation == "a document type is not allowed"


def test_json_that_differs_says_where() -> None:
    score = JsonMatch().score(
        output='{"a": [1, {"b": true}], "extra": 1}', expected={"a": [1, {"b": 1}], "missing": None, "z/~": 1}
    )
    assert score.value is False
    assert score.details["differences"] == [
        {"path": "/a/1/b", "output": True, "expected": 1},
        {"path": "/missing", "expected": None},
        {"path": "/z~1~0", "expected": 1},
        {"path": "/extra", "output": 1},
    ]
    assert score.explanation == "/a/1/b: true instead of 1; /missing: null is missing; /z~1~0: 1 is missing; and 1 more"


def test_json_can_be_compared_leniently() -> None:
    assert JsonMatch().score(output="[1, 2]", expected=[2, 1]).value is False
    assert JsonMatch(any_order=True).score(output="[1, 2, 2]", expected=[2, 1, 2]).value is True
    assert JsonMatch(any_order=True).score(output="[1, 1, 2]", expected=[2, 1, 2]).value is False
    assert JsonMatch(subset=True).score(output='{"a": 1, "b": 2}', expected={"a": 1}).value is True
    assert JsonMatch(rel_tol=0.1).score(output="[1.05]", expected=[1]).value is True
    assert JsonMatch().score(output="1.0", expected=1).value is True
    assert JsonMatch().score(output='"x"', expected="no json").value is None


@given(JSON, JSON)
def test_two_values_match_only_if_the_comparison_finds_no_difference_either_way(one: Any, other: Any) -> None:
    there = JsonMatch().score(output=json.dumps(one), expected=json.dumps(other))
    back = JsonMatch().score(output=json.dumps(other), expected=json.dumps(one))
    assert there.value is back.value
    assert 0 <= there.details["right"] <= 1
