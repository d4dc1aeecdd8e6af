import pytest

from partialpool.errors import NotAvailableError
from partialpool.extras import require


def test_a_module_that_is_there_passes():
    require("json", extra="plots")


def test_a_missing_module_names_the_command_that_installs_it():
    with pytest.raises(NotAvailableError, match=r'pip install "partialpool\[plots\]"'):
        require("no_such_module_at_all", extra="plots")
