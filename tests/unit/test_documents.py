"""What the documents show is what happens."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

import partialpool as pp
from partialpool.cli import main
from partialpool.cli.parser import build_parser

ROOT = Path(__file__).parents[2]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_the_readme_runs_as_written():
    variables = {}
    for block in blocks("README.md"):
        exec(block, variables)
    assert variables["fit"].converged


GUIDES = sorted(
    f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md") if blocks(f"docs/{path.name}")
)


def test_there_are_guides():
    assert len(GUIDES) >= 6


@pytest.mark.parametrize("document", GUIDES)
def test_every_line_of_an_example_is_one_that_runs(document):
    """A block without prompts would be shown and never run."""
    for block in blocks(document):
        assert block.startswith(">>> "), block


@pytest.mark.parametrize("document", GUIDES)
def test_examples_of_a_document_give_what_it_says(document):
    variables, failed = {}, []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for i, block in enumerate(blocks(document)):
        test = doctest.DocTestParser().get_doctest(block, variables, f"{document}[{i}]", None, 0)
        runner.run(test, out=failed.append, clear_globs=False)
        variables = test.globs
    assert not failed, "".join(failed)
    assert runner.tries > 0


def commands(document):
    """The command line's commands that a document shows, in blocks and in the running text."""
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = re.findall(r"^partialpool .*$", text, flags=re.MULTILINE)
    return lines + re.findall(r"`(partialpool [^`]*)`", text)


@pytest.mark.parametrize("document", ["README.md", "docs/linear.md", "docs/coming-from.md"])
def test_the_commands_shown_can_be_typed(document):
    for line in commands(document):
        build_parser().parse_args(shlex.split(line)[1:])


def test_the_commands_of_the_guide_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sleep = pp.load_dataset("sleepstudy")
    sleep.to_csv("sleep.csv", index=False)
    sleep.to_csv("new.csv", index=False)
    shown = [line for line in commands("docs/linear.md") if line.startswith("partialpool fit")]
    shown += [line for line in commands("docs/linear.md") if line not in shown]
    for line in shown:
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err
