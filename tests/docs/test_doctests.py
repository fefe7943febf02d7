"""The examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import tracelm

MODULES = ["tracelm"] + [
    found.name for found in pkgutil.walk_packages(tracelm.__path__, "tracelm.") if ".migrations" not in found.name
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in finder.find(module):
        example.globs.setdefault("tracelm", tracelm)
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    found = [each for name in MODULES for each in finder.find(importlib.import_module(name)) if each.examples]
    assert len(found) >= 15
