import partialpool as pp


def test_a_conditional_criterion_prints_in_one_line():
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    found = fit.conditional_aic
    assert repr(found) == (
        f"conditional AIC {found.aic:.2f} (logLik {found.loglik:.2f}, df {found.df:.2f})"
    )
