"""The files that the page about deploying shows are ones that work, as far as that can be told without containers."""

import configparser
import re

import yaml

from tests.docs.blocks import ROOT
from tracelm.cli.main import app
from tracelm.server.options import SESSION_SECRET

PAGE = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return ["\n".join(line.removeprefix(margin) for line in text.splitlines()) for margin, text in found]


def block(language: str) -> str:
    return blocks(language)[0]


def units() -> list[configparser.SectionProxy]:
    """Return the services of systemd's units."""
    found: list[configparser.SectionProxy] = []
    for text in blocks("ini"):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        unit.read_string(text)
        found.append(unit["Service"])
    return found


def options(command: str) -> set[str]:
    """Return the options of a command line."""
    return set(re.findall(r"--[a-z-]+", command))


def test_the_commands_have_the_options_that_the_files_use() -> None:
    import typer.main

    group = typer.main.get_command(app)
    known = {option for each in group.commands["serve"].params for option in each.opts}  # type: ignore[attr-defined]
    compose = yaml.safe_load(block("yaml"))
    used = options(compose["services"]["tracelm"]["command"]) | options(units()[0]["ExecStart"])
    used |= options(block("dockerfile").split("CMD")[1])
    assert {"--host", "--allow-host"} == used
    assert used | options(units()[1]["ExecStart"]) <= known


def test_both_units_may_do_as_little_and_the_one_for_several_names_nothing_twice() -> None:
    one, several = units()
    bounds = ("StateDirectoryMode", "DynamicUser", "NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp")
    assert [one[each] for each in bounds] == [several[each] for each in bounds]
    for name in ("ExecStart", "Environment", "StateDirectory"):
        assert "%i" in several[name]


def test_the_variables_that_are_set_are_ones_that_the_server_reads() -> None:
    set_there = set(re.findall(r"\bTRACELM_[A-Z_]+", PAGE))
    assert set_there == {"TRACELM_HOME", "TRACELM_STORE_URL", SESSION_SECRET}


def test_the_database_is_not_reachable_from_outside_and_both_services_are_watched() -> None:
    services = yaml.safe_load(block("yaml"))["services"]
    assert "ports" not in services["postgres"]
    assert all(port.startswith("127.0.0.1:") for port in services["tracelm"]["ports"])
    assert all("healthcheck" in service for service in services.values())
