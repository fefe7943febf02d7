"""The files that the page about deploying shows are ones that work, as far as that can be told without containers."""

import configparser
import re

import yaml

from tests.docs.blocks import ROOT
from tracelm.cli.main import app

PAGE = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^( *)```{language}\n(.*?)^\1```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return "\n".join(line.removeprefix(found[1]) for line in found[2].splitlines())


def options(command: str) -> set[str]:
    """Return the options of a command line."""
    return set(re.findall(r"--[a-z-]+", command))


def test_the_commands_have_the_options_that_the_files_use() -> None:
    import typer.main

    group = typer.main.get_command(app)
    known = {option for each in group.commands["serve"].params for option in each.opts}  # type: ignore[attr-defined]
    unit = configparser.ConfigParser(strict=False)
    unit.read_string(block("ini"))
    compose = yaml.safe_load(block("yaml"))
    used = options(compose["services"]["tracelm"]["command"]) | options(unit["Service"]["ExecStart"])
    used |= options(block("dockerfile").split("CMD")[1])
    assert {"--host", "--allow-host"} == used
    assert used <= known


def test_the_database_is_not_reachable_from_outside_and_both_services_are_watched() -> None:
    services = yaml.safe_load(block("yaml"))["services"]
    assert "ports" not in services["postgres"]
    assert all(port.startswith("127.0.0.1:") for port in services["tracelm"]["ports"])
    assert all("healthcheck" in service for service in services.values())
