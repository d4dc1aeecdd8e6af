"""What can be typed, and what ``--help`` says about it."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any, Final

import partialpool
from partialpool.cli.question_parsers import add_questions

__all__ = ["build_parser"]

_TABLES: Final = """\
tables:
  .csv, .tsv, .csv.gz, .tsv.gz, .parquet, .feather and .arrow. The last
  three need pyarrow: pip install "partialpool[parquet]".
  Several files of one format: a pattern of names in quotes, "2025-*.csv",
  or a folder of .parquet files, whose folders' names (year=2025) are columns.

how a CSV column is read:
  all numbers: a number; True and False: a truth value; anything else, dates
  included: text. Empty cells are missing; among numbers and truth values so
  are NA, NaN and null. Text is a factor with its levels sorted by code point.
  Wrap numbers that are labels in factor(), as in factor(year). What stands
  after the bar, Subject in (1 | Subject), is always a label."""

_MAIN: Final = """\
examples:
  partialpool demo
  partialpool fit "Reaction ~ Days + (Days | Subject)" sleep.csv
  partialpool fit "weight ~ sex * treatment + (1 | litter)" pups.parquet --ml
  partialpool fit "Reaction ~ Days + (Days | Subject)" sleep.csv --save a.model
  partialpool predict a.model new.csv --se --out predictions.csv
  partialpool anova a.model --ddf kenward-roger
  partialpool confint a.model --method profile --out intervals.csv

exit codes:
  0 done; 1 the data, the formula or the model is at fault, and a message on
  standard error says how; 2 wrong usage.

`partialpool COMMAND --help` says more about a command."""

_FIT: Final = f"""\
formula, as in R's lme4:
  y ~ x                        no random term: least squares
  y ~ x + (1 | g)              an intercept for each level of g
  y ~ x + (x | g)              and a slope of x for each level, correlated
  y ~ x + (x || g)             the same, uncorrelated
  y ~ x + (1 | school/class)   classes nested in schools
  y ~ x + (1 | a) + (1 | b)    crossed factors
  log(y) ~ poly(x, 2) * sex + offset(e) + (1 | g)
Put it in quotes, or the shell takes ~ and | for its own.

{_TABLES}

examples:
  partialpool fit "Reaction ~ Days + (Days | Subject)" sleep.csv --save a.model
  partialpool fit "score ~ intake + (1 | school)" exam.csv --missing drop
  partialpool fit "cbind(won, lost) ~ x + (1 | g)" games.csv --family binomial"""

_PREDICT: Final = f"""\
The table NEW needs the columns of the formula, save the response. Out comes
the table with a column "estimate", with "std_error" for --se, and with
"conf_low" and "conf_high" for --interval: to the file after --out in the format
that its name says, else as CSV to standard output.

{_TABLES}

examples:
  partialpool predict a.model new.csv
  partialpool predict a.model new.parquet --new-levels population
  partialpool predict a.model new.csv --se --out predictions.parquet
  partialpool predict a.model new.csv --interval prediction --bootstrap 1000"""


def build_parser() -> ArgumentParser:
    """Build the parser of all commands."""
    parser = _parser(
        ArgumentParser,
        prog="partialpool",
        description="Mixed-effects regression: fit a model to a table, predict with it.",
        epilog=_MAIN,
    )
    parser.add_argument(
        "--version", action="version", version=f"partialpool {partialpool.__version__}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_fit(commands)
    _add_predict(commands)
    add_questions(commands)
    _add_demo(commands)
    return parser


def _parser(make: Any, *args: str, **options: Any) -> ArgumentParser:
    options["formatter_class"] = RawDescriptionHelpFormatter
    options["allow_abbrev"] = False
    parser: ArgumentParser = make(*args, **options)
    return parser


def _add_fit(commands: Any) -> None:
    parser = _parser(
        commands.add_parser,
        "fit",
        help="fit a model and print its summary",
        description="Fit a linear mixed model by REML, or with --family a generalized one by\n"
        "maximum likelihood, and print its summary.",
        epilog=_FIT,
    )
    parser.add_argument("formula", metavar="FORMULA", help="the model, in quotes")
    parser.add_argument(
        "data", metavar="DATA", help="the table to fit it to: a file, pattern or folder"
    )
    parser.add_argument("--ml", action="store_true", help="maximum likelihood instead of REML")
    parser.add_argument(
        "--weights", metavar="COL", help="column of prior weights (trials, where y is a proportion)"
    )
    parser.add_argument("--offset", metavar="COL", help="column added with coefficient one")
    parser.add_argument(
        "--sigma", metavar="SD", type=float, help="residual standard deviation, if it is known"
    )
    parser.add_argument(
        "--missing",
        choices=("error", "drop"),
        default="error",
        help="what to do with rows that miss a value: stop (default), or leave them out and say so",
    )
    parser.add_argument(
        "--applicable",
        metavar="COL:CONDITION",
        action="append",
        help="where a covariate means something, such as \"dose: arm != 'control'\"",
    )
    _with_generalized(parser)
    parser.add_argument("--save", metavar="FILE", help="write the fitted model to this file")


def _with_generalized(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("generalized models")
    group.add_argument(
        "--family", metavar="NAME", help="binomial, poisson, nbinom2, gamma, beta, ordinal, ..."
    )
    group.add_argument("--link", metavar="NAME", help="another link than the family's own")
    group.add_argument(
        "--quadrature", metavar="N", type=int, help="nodes of adaptive quadrature; default Laplace"
    )
    group.add_argument(
        "--zero-inflation", metavar="FORMULA", help="one-sided formula of the log odds of a zero"
    )
    group.add_argument(
        "--dispersion", metavar="FORMULA", help="one-sided formula of the log dispersion"
    )
    group.add_argument(
        "--method",
        choices=("laplace", "joint", "pql"),
        help="of integrating over the random effects (default: laplace)",
    )
    group.add_argument(
        "--penalty",
        metavar="SD",
        type=float,
        help="of a weak normal prior on the coefficients, against separation",
    )


def _add_predict(commands: Any) -> None:
    parser = _parser(
        commands.add_parser,
        "predict",
        help="predict for new rows with a saved model",
        description="Predict for the rows of a table with a model saved by `partialpool fit`.",
        epilog=_PREDICT,
    )
    parser.add_argument("model", metavar="FILE", help="a model saved with --save")
    parser.add_argument(
        "new", metavar="NEW", help="the table to predict for: a file, pattern or folder"
    )
    parser.add_argument(
        "--random",
        choices=("all", "none"),
        default="all",
        help="use the groups' own effects (all, default), or the population's line (none)",
    )
    parser.add_argument(
        "--new-levels",
        choices=("error", "population"),
        default="error",
        help="for a group that was not in the data: stop (default), or the population's line",
    )
    parser.add_argument(
        "--type",
        choices=("response", "link", "conditional", "zero_probability", "population", "class"),
        metavar="SCALE",
        help="of a generalized model: response (default), link, conditional, zero_probability, "
        "population or class",
    )
    parser.add_argument("--se", action="store_true", help="add standard errors of the predictions")
    _with_intervals(parser)
    parser.add_argument("--out", metavar="FILE", help="write to this file, not to standard output")


def _with_intervals(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("intervals of predictions")
    group.add_argument(
        "--interval",
        choices=("confidence", "prediction"),
        help="add the ends of intervals: of the mean, or of a new observation",
    )
    group.add_argument(
        "--level", metavar="P", type=float, default=0.95, help="their probability (default: 0.95)"
    )
    group.add_argument(
        "--bootstrap",
        metavar="N",
        type=int,
        help="draw N data sets, so that what is uncertain of the variances counts too",
    )
    group.add_argument("--seed", metavar="N", type=int, help="of the bootstrap")


def _add_demo(commands: Any) -> None:
    parser = _parser(
        commands.add_parser,
        "demo",
        help="fit example data and draw the fitted lines",
        description="Fit the reaction times of 18 sleep-deprived subjects over 10 days,\n"
        "print the summary and draw each subject's data and lines.",
    )
    parser.add_argument(
        "--out", metavar="DIR", default=".", help="folder for the picture (default: this one)"
    )
