import inspect

import partialpool as pp
from partialpool.docstrings import explained


def test_methods_have_the_words_of_their_functions_without_the_object():
    text = inspect.getdoc(pp.GlmmFit.vcov_of)
    assert text.startswith("Return the covariance")
    assert "\npart\n" in text
    assert "\nfit\n" not in text
    assert '>>> fit.vcov_of("dispersion").shape' in text


def test_parameters_that_the_method_hasnt_are_left_out():
    @explained
    class Fit:
        def confint(self, seed):
            """See :func:`partialpool.inference.confint`."""

    assert "\nseed\n    Draws of the bootstrap" in Fit.confint.__doc__
    assert "\nddf\n" not in Fit.confint.__doc__


def test_a_note_follows_the_first_sentence():
    assert pp.StatedModel.power.__doc__.split("\n")[2] == "Models are fitted by REML."


def test_properties_are_read_in_examples_and_not_called():
    assert ">>> fit.fitted[:3].round(3)" in pp.LmmFit.fitted.__doc__


def test_docstrings_of_their_own_stay():
    @explained
    class Own:
        def method(self):
            """Stay; see :func:`partialpool.lmm`."""

        bare = 1

    assert Own.method.__doc__ == "Stay; see :func:`partialpool.lmm`."
