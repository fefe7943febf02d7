"""Who may ask a store behind a server, and what somebody reads who may not."""

from collections.abc import Iterator

import pytest

import tracelm
from tests.serving import Serving, make_key, serving
from tests.unit.store.otlp_lines import span_line, write_segment


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, dict[str, str]]]:
    home = tmp_path_factory.mktemp("guarded")
    shared = [span_line("mine", trace="ab" * 16), span_line("others", trace="ac" * 16, project="others")]
    shared.append(span_line("others", trace="ab" * 15 + "ff", project="others"))
    write_segment(home, project="mine", spans=shared)
    keys = {
        "read": make_key(home, "read"),
        "ingest": make_key(home, "ingest"),
        "mine": make_key(home, "read", projects=("mine",)),
        "two": make_key(home, "read", projects=("mine", "others")),
    }
    with serving(home) as running:
        yield running, keys


def test_a_key_of_the_environment_opens_a_store(
    guarded: tuple[Serving, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, keys = guarded
    monkeypatch.setenv("TRACELM_API_KEY", f" {keys['read']}\n")
    with tracelm.open_store(server.url) as store:
        assert sorted(each.name for each in store.projects()) == ["mine", "others"]


def test_a_key_of_one_project_sees_it_and_no_other(
    guarded: tuple[Serving, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, keys = guarded
    monkeypatch.setenv("TRACELM_API_KEY", keys["mine"])
    with tracelm.open_store(server.url) as store:
        assert [each.name for each in store.projects()] == ["mine"]
        assert [each.name for each in store.traces()] == ["mine"]
        assert store.trace("abab").summary.name == "mine"  # that others have one that begins so is not told
        with pytest.raises(tracelm.StoreError, match="there is no such thing in the projects of this key"):
            store.trace("acac")
        with pytest.raises(tracelm.StoreError, match="this key is not for this project"):
            store.traces(project="others")
    monkeypatch.setenv("TRACELM_API_KEY", keys["two"])
    with tracelm.open_store(server.url) as store, pytest.raises(tracelm.StoreError, match="name a project"):
        store.traces()


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (None, "needs an API key: set TRACELM_API_KEY"),
        ("", "needs an API key: set TRACELM_API_KEY"),
        (
            "tlm_" + "0" * 12 + "_" + "A" * 43,
            "does not take the key in TRACELM_API_KEY: this API key is not known here",
        ),
        ("ingest", "may not read: `tracelm keys create --name ME --read`"),
    ],
)
def test_who_is_not_let_in_reads_what_helps(
    guarded: tuple[Serving, dict[str, str]], monkeypatch: pytest.MonkeyPatch, key: str | None, told: str
) -> None:
    server, keys = guarded
    if key is not None:
        monkeypatch.setenv("TRACELM_API_KEY", keys.get(key, key))
    with pytest.raises(tracelm.StoreError, match=told) as refused:
        tracelm.open_store(server.url)
    assert not any(each in str(refused.value) for each in (*keys.values(), "A" * 43))


def test_a_key_that_can_be_none_is_not_sent_and_not_repeated(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACELM_API_KEY", "secret\r\nx-evil: 1")
    with pytest.raises(tracelm.ConfigError, match="TRACELM_API_KEY holds something that is no key") as refused:
        tracelm.open_store(server.url)
    assert "secret" not in str(refused.value)
