"""What the documents show is what happens."""

import doctest
import re
from pathlib import Path

import pytest

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


GUIDES = ["bayes", "generalized", "inference", "learners", "linear", "penalized"]


@pytest.mark.parametrize("document", [f"docs/{guide}.md" for guide in GUIDES])
def test_examples_of_a_document_give_what_it_says(document):
    variables, failed = {}, []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for i, block in enumerate(blocks(document)):
        test = doctest.DocTestParser().get_doctest(block, variables, f"{document}[{i}]", None, 0)
        runner.run(test, out=failed.append, clear_globs=False)
        variables = test.globs
    assert not failed, "".join(failed)
    assert runner.tries > 0
