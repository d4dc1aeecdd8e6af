"""Command line: ``partialpool fit``, ``predict``, ``demo``, and questions to saved models."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence

from partialpool.cli.parser import build_parser
from partialpool.cli.wording import as_options
from partialpool.errors import PartialPoolError

__all__ = ["main"]

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        0 when all went well, 1 when the data or the model is at fault. Wrong usage
        leaves with ``SystemExit(2)``.

    Examples
    --------
    >>> main(["fit", "Reaction ~ Days", "no_such_file.csv"])
    1
    """
    arguments = build_parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            run: Callable[..., int] = _command(arguments.command)
            return run(arguments)
        except PartialPoolError as error:
            print(f"partialpool: error: {as_options(str(error))}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return _INTERRUPTED
        except BrokenPipeError:
            # The reader, such as `head`, has seen enough. Python would complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


def _command(name: str) -> Callable[..., int]:
    # Imported here, so that --help and --version don't wait for the numerical libraries.
    from partialpool.cli import commands, questions

    found: Callable[..., int] = getattr(commands if name in commands.__all__ else questions, name)
    return found


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"partialpool: warning: {as_options(str(message))}", file=sys.stderr)
