"""What can be typed to ask saved models something."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

__all__ = ["add_questions"]

_DDF = ("satterthwaite", "kenward-roger", "residual", "z")


def add_questions(commands: Any) -> None:
    """Add the commands that take a saved model and no data."""
    _add_summary(commands)
    _add_tidy(commands)
    _add_confint(commands)
    _add_anova(commands)
    _add_test(commands)
    _add_means(commands)
    _add_compare(commands)


def _question(commands: Any, name: str, title: str, example: str) -> ArgumentParser:
    parser: ArgumentParser = commands.add_parser(
        name,
        help=title,
        description=f"{title[0].upper()}{title[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if name != "compare":
        parser.add_argument("model", metavar="FILE", help="a model saved with --save")
    return parser


def _with_table(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", metavar="FILE", help="write the table to this file, not as CSV to standard output"
    )


def _with_level(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--level", metavar="P", type=float, default=0.95, help="of the intervals (default: 0.95)"
    )


def _with_ddf(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--ddf", choices=_DDF, help="degrees of freedom of a linear model (default: satterthwaite)"
    )


def _add_summary(commands: Any) -> None:
    _question(
        commands, "summary", "print the summary of a saved model", "partialpool summary a.model"
    )


def _add_tidy(commands: Any) -> None:
    parser = _question(
        commands,
        "tidy",
        "write a saved model's parameters as a table",
        "partialpool tidy a.model --ddf kenward-roger --out parameters.csv",
    )
    _with_level(parser)
    _with_ddf(parser)
    _with_table(parser)


def _add_confint(commands: Any) -> None:
    parser = _question(
        commands,
        "confint",
        "compute confidence intervals of a saved model's parameters",
        "partialpool confint a.model --method profile",
    )
    parser.add_argument(
        "--method",
        choices=("wald", "profile", "bootstrap"),
        help="of coefficients (wald, default), or of all parameters",
    )
    _with_level(parser)
    _with_ddf(parser)
    parser.add_argument("--draws", metavar="N", type=int, help="of the bootstrap (default: 1000)")
    parser.add_argument("--seed", metavar="N", type=int, help="of the bootstrap")
    _with_table(parser)


def _add_anova(commands: Any) -> None:
    parser = _question(
        commands,
        "anova",
        "test every term of a saved model",
        "partialpool anova a.model --ddf kenward-roger",
    )
    parser.add_argument(
        "--type", choices=(1, 2, 3), type=int, help="of the hypotheses (default: 3)"
    )
    _with_ddf(parser)
    _with_table(parser)


def _add_test(commands: Any) -> None:
    parser = _question(
        commands,
        "test",
        "test linear hypotheses about a saved model's coefficients",
        'partialpool test a.model "Days = 10"',
    )
    parser.add_argument(
        "hypotheses",
        metavar="HYPOTHESIS",
        nargs="+",
        help="in quotes, an equation or the name of a term; several are tested together as well",
    )
    _with_ddf(parser)


def _add_means(commands: Any) -> None:
    parser = _question(
        commands,
        "means",
        "compute marginal means of a saved model, or contrasts among them",
        "partialpool means a.model treatment --by sex --contrasts pairwise",
    )
    parser.add_argument("columns", metavar="COL", nargs="+", help="columns whose means are wanted")
    parser.add_argument("--by", metavar="COL", action="append", help="and for each level of this")
    parser.add_argument(
        "--contrasts",
        choices=("pairwise", "reference", "consecutive", "mean"),
        help="compare the means",
    )
    parser.add_argument(
        "--adjust",
        choices=("tukey", "holm", "bonferroni", "sidak", "fdr", "none"),
        help="p-values and intervals for the number of contrasts",
    )
    parser.add_argument(
        "--scale", choices=("link", "response"), help="of a generalized model (default: link)"
    )
    _with_level(parser)
    _with_ddf(parser)
    _with_table(parser)


def _add_compare(commands: Any) -> None:
    parser = _question(
        commands,
        "compare",
        "compare saved models of the same rows",
        "partialpool compare small.model large.model",
    )
    parser.add_argument("models", metavar="FILE", nargs="+", help="models saved with --save")
