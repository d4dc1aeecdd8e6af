"""Pictures of conditional effects show the numbers of the table, and say what is held."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.plots import effects


@pytest.fixture(scope="module")
def children():
    return pp.load_dataset("Orthodont")


@pytest.fixture(scope="module")
def growth(children):
    return pp.lmm("distance ~ age * Sex + (age | Subject)", children)


@pytest.fixture(scope="module")
def women():
    return pp.load_dataset("Contraception")


@pytest.fixture(scope="module")
def binary(women):
    formula = "use ~ age * urban + I(age^2) + livch + (1 | district)"
    return pp.glmm(formula, women, family="binomial")


@pytest.fixture(scope="module")
def ordered():
    answers = pp.load_dataset("VerbAgg")[::6]
    return pp.glmm("resp ~ Anger + Gender + btype + (1 | id)", answers, family="ordinal")


def words(figure):
    return " ".join(text.get_text() for text in figure.texts)


def keys(figure):
    return [text.get_text() for key in figure.legends for text in key.get_texts()]


def curves(axes):
    return [line for line in axes.lines if line.get_linestyle() == "-"]


def dots(axes):
    return [line for line in axes.lines if line.get_linestyle() == "None"]


# --- what is drawn ----------------------------------------------------------------------------


def test_a_curve_and_its_band_are_the_tables(growth):
    (axes,) = effects(growth, "age", level=0.8).axes
    table = growth.effects("age", level=0.8)
    (line,) = curves(axes)
    assert_allclose(line.get_xydata(), table[["age", "estimate"]])
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert_allclose(
        [heights.min(), heights.max()], [table["conf_low"].min(), table["conf_high"].max()]
    )


def test_by_gives_colours_and_a_key(growth):
    figure = effects(growth, "age", by="Sex")
    (axes,) = figure.axes
    table = growth.effects("age", by="Sex")
    for line, sex in zip(curves(axes), ("Male", "Female"), strict=True):
        assert_allclose(line.get_ydata(), table[table["Sex"] == sex]["estimate"])
    assert keys(figure) == ["Male", "Female"]
    assert len({line.get_color() for line in curves(axes)}) == 2


def test_a_factor_has_points_with_intervals(binary):
    figure = effects(binary, "livch", by="urban")
    (axes,) = figure.axes
    table = binary.effects("livch", by="urban")
    heights = np.concatenate([line.get_ydata() for line in dots(axes)])
    assert_allclose(heights, table["estimate"])
    ends = np.concatenate([np.array(c.get_segments())[:, :, 1] for c in axes.collections])
    assert_allclose(ends, table[["conf_low", "conf_high"]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2", "3+"]
    # A letter or a number alone says nothing.
    assert keys(figure) == ["urban N", "urban Y"]


def test_a_second_column_of_by_has_panels(binary):
    figure = effects(binary, "age", by=["urban", "livch"])
    assert [axes.get_title("left") for axes in figure.axes] == [
        f"livch {n}" for n in ("0", "1", "2", "3+")
    ]
    table = binary.effects("age", by=["urban", "livch"])
    cell = table[(table["urban"] == "Y") & (table["livch"] == "2")]
    assert_allclose(curves(figure.axes[2])[1].get_ydata(), cell["estimate"])


def test_categories_have_the_colours_and_by_the_panels(ordered):
    figure = effects(ordered, "Anger", by="Gender")
    assert keys(figure) == ["no", "perhaps", "yes"]
    assert [axes.get_title("left") for axes in figure.axes] == ["Gender F", "Gender M"]
    table = ordered.effects("Anger", by="Gender")
    cell = table[(table["Gender"] == "M") & (table["category"] == "perhaps")]
    assert_allclose(curves(figure.axes[1])[1].get_ydata(), cell["estimate"])
    assert "probability" in words(figure)


def test_two_columns_of_panels_stand_in_rows_and_columns(ordered):
    figure = effects(ordered, "Anger", by=["Gender", "btype"])
    assert [axes.get_title("left") for axes in figure.axes[:3]] == [
        "Gender F, btype curse",
        "Gender M, btype curse",
        "Gender F, btype scold",
    ]
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (3, 2)


def test_a_row_of_panels_that_is_not_full_leaves_the_rest_bare():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"x": rng.normal(size=150), "f": np.arange(150) % 5, "g": np.arange(150) % 9}
    )
    data["y"] = rng.integers(3, size=150)
    fit = pp.glmm("y ~ x + factor(f) + (1 | g)", data, family="ordinal")
    figure = effects(fit, "x", by="f")
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False]


def test_a_posterior_says_so(children):
    fit = pp.bmm("distance ~ age * Sex + (1 | Subject)", children, draws=100, tune=100, seed=1)
    figure = effects(fit, "age", by="Sex", points=True)
    assert "posterior means with 95 % bands" in words(figure)
    assert "prior means" in words(effects(fit.prior(100, seed=1), "age"))
    table = fit.effects("age", by="Sex")
    assert_allclose(
        curves(figure.axes[0])[1].get_ydata(), table[table["Sex"] == "Female"]["estimate"]
    )


def test_a_figure_given_is_drawn_in(growth):
    figure = Figure(figsize=(8, 5))
    assert effects(growth, "age", figure=figure) is figure
    assert len(figure.axes) == 1


# --- what is said -----------------------------------------------------------------------------


def test_the_picture_says_at_which_values_the_others_are_held(binary, women):
    said = words(effects(binary, "age"))
    assert "held: urban N (first level), livch 0 (first level)" in said
    assert "random effects at zero" in said
    assert "probability of use = Y" in said
    said = words(effects(binary, "livch", at={"urban": "Y"}))
    assert "held: age 0 (mean), urban Y" in said


def test_names_of_the_axis_are_honest_about_units(growth, binary):
    assert "expected distance" in words(effects(growth, "age"))
    assert "linear predictor (logit link)" in words(effects(binary, "age", scale="link"))
    cattle = pp.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    shares = pp.glmm(formula, cattle, family="binomial")
    figure = effects(shares, "period", points=True)
    assert "expected proportion of incidence" in words(figure)
    assert "incidence over period" in words(figure)
    assert max(line.get_ydata().max() for line in dots(figure.axes[0])) <= 1.0


def test_an_offset_and_what_is_taken_to_apply_are_said():
    owls = pp.load_dataset("Owls")
    offset = np.log(owls["BroodSize"])
    fit = pp.glmm(
        "SiblingNegotiation ~ ArrivalTime + (1 | Nest)", owls, family="poisson", offset=offset
    )
    assert "held: offset 1.5" in words(effects(fit, "ArrivalTime", offset=1.5))
    made = pp.load_dataset("manufacturing")
    formula = "production_speed ~ feed_speed + cutting_wait_time + (1 | product_group)"
    fit = pp.lmm(formula, made, applicable="auto")
    assert "taken to apply: cutting_wait_time" in words(effects(fit, "feed_speed"))


def test_a_title_that_is_too_long_is_continued_below():
    owls = pp.load_dataset("Owls")
    formula = "SiblingNegotiation ~ FoodTreatment * ArrivalTime * SexParent + (1 | Nest)"
    fit = pp.lmm(formula, owls)
    figure = effects(fit, "ArrivalTime", by=["FoodTreatment", "SexParent"])
    assert figure.texts[0].get_text() == "SiblingNegotiation over ArrivalTime"
    assert figure.texts[1].get_text().startswith("by FoodTreatment and SexParent\n")


def overlapping(figure):
    """Say whether words, key and panels overlap, or leave the figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.texts]
    boxes += [key.get_window_extent(renderer) for key in figure.legends]
    boxes += [axes.get_tightbbox(renderer) for axes in figure.axes]
    inside = all(
        b.x0 >= 0 and b.x1 <= figure.bbox.width and b.y0 >= 0 and b.y1 <= figure.bbox.height
        for b in boxes
    )
    return not inside or any(
        # Labels of neighbouring panels may touch; a pixel is rounding.
        min(one.y1, other.y1) - max(one.y0, other.y0) > 1.0
        and min(one.x1, other.x1) - max(one.x0, other.x0) > 8.0
        for one, other in combinations(boxes, 2)
    )


@pytest.mark.parametrize("x", ["age", "livch"])
@pytest.mark.parametrize("by", [(), "urban"])
def test_nothing_overlaps(binary, x, by):
    assert not overlapping(effects(binary, x, by=by, points=True))


def test_panels_do_not_overlap(binary, ordered):
    assert not overlapping(effects(binary, "age", by=["urban", "livch"], points=True))
    assert not overlapping(effects(ordered, "Anger", by=["Gender", "btype"]))


def test_long_names_of_levels_are_slanted_and_keys_wrapped():
    rng = np.random.default_rng(4)
    schools = ["no school at all", "primary school only", "secondary school", "university degree"]
    arms = ["the control arm", "a low dose of the drug", "a high dose of the drug"]
    data = pd.DataFrame({"school": np.array(schools)[rng.integers(4, size=200)]})
    data["arm"], data["y"] = np.array(arms)[rng.integers(3, size=200)], rng.normal(size=200)
    data["g"] = np.arange(200) % 11
    fit = pp.lmm("y ~ school + arm + (1 | g)", data)
    figure = effects(fit, "school", by="arm")
    assert figure.axes[0].get_xticklabels()[0].get_rotation() == 35
    assert not overlapping(figure)


# --- the data ---------------------------------------------------------------------------------


def test_points_are_the_rows(growth, children):
    (axes,) = effects(growth, "age", by="Sex", points=True).axes
    for line, sex in zip(dots(axes), ("Male", "Female"), strict=True):
        rows = children[children["Sex"] == sex]
        assert_allclose(line.get_xydata(), rows[["age", "distance"]])


def test_points_of_a_spline_are_found_in_the_table(children):
    fit = pp.lmm("distance ~ ns(age, df=2) + C(Sex, contr.sum) + (1 | Subject)", children)
    with pytest.raises(DataError, match=r"'age' can't be told from these.*points=data"):
        effects(fit, "age", points=True)
    with pytest.raises(DataError, match="'Sex' can't be told"):
        effects(fit, "Sex", points=True)
    (axes,) = effects(fit, "age", points=children).axes
    assert_allclose(dots(axes)[0].get_xydata(), children[["age", "distance"]])


def test_the_fit_and_the_table_give_the_same_points(binary, women):
    for x, by in (("livch", "urban"), ("age", "livch")):
        own = effects(binary, x, by=by, points=True).axes[0]
        given = effects(binary, x, by=by, points=women).axes[0]
        for a, b in zip(own.lines, given.lines, strict=True):
            assert_allclose(a.get_xydata(), b.get_xydata())


def test_points_stand_at_the_nearest_value_of_a_covariate(growth, children):
    figure = effects(growth, "Sex", by="age", points=True)
    middle = dots(figure.axes[0])[1]
    near = children["age"].between(9.9, 12.1).to_numpy()
    assert sorted(middle.get_ydata()) == sorted(children["distance"][near])
    assert "age at the nearest value" in words(figure)


def test_points_where_a_covariate_does_not_apply_are_left_out():
    made = pp.load_dataset("manufacturing")
    formula = "production_speed ~ feed_speed + cutting_wait_time + (1 | product_group)"
    fit = pp.lmm(formula, made, applicable="auto")
    for source in (True, made):
        (axes,) = effects(fit, "cutting_wait_time", points=source).axes
        assert len(dots(axes)[0].get_xdata()) == made["cutting_wait_time"].notna().sum()


def test_points_of_rows_with_missing_values_stay_apart(children):
    holes = children.assign(age=children["age"].where(np.arange(len(children)) % 7 > 0))
    fit = pp.lmm("distance ~ age + (1 | Subject)", holes, missing="drop")
    for source in (True, holes):
        (axes,) = effects(fit, "age", points=source).axes
        whole = holes.dropna(subset=["age"])
        assert_allclose(dots(axes)[0].get_xydata(), whole[["age", "distance"]])


# --- what can't be drawn ----------------------------------------------------------------------


def test_points_without_a_place_are_refused(binary, ordered, growth, children):
    with pytest.raises(NotAvailableError, match="an ordinal response is a category"):
        effects(ordered, "Anger", points=True)
    with pytest.raises(NotAvailableError, match="no place on the scale of the logit link"):
        effects(binary, "age", scale="link", points=True)
    with pytest.raises(DataError, match="points= has 9 rows, but the fit was of a table of 108"):
        effects(growth, "age", points=children[:9])
    with pytest.raises(DataError, match="points= has no column 'age'"):
        effects(growth, "age", points=children[["Sex"]])
    streamed = pp.stream_lmm("distance ~ age + (1 | Subject)", lambda: iter([children]))
    assert len(effects(streamed, "age").axes) == 1
    with pytest.raises(NotAvailableError, match="went by in batches"):
        effects(streamed, "age", points=True)


def test_too_many_colours_or_panels_are_refused():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=300), "f": [f"f{i % 14}" for i in range(300)]})
    data["y"], data["h"], data["g"] = rng.normal(size=300), rng.integers(2, size=300), data["f"]
    fit = pp.lmm("y ~ x + f + h + (1 | g)", data.assign(g=np.arange(300) % 20))
    with pytest.raises(DataError, match=r"'f' has 14 values.*at=\{'f': \['f0', 'f1', \.\.\.\]\}"):
        effects(fit, "x", by="f")
    with pytest.raises(DataError, match="'f' make 14 panels, more than the 12 that fit"):
        effects(fit, "x", by=["h", "f"])
    assert len(effects(fit, "x", by=["h", "f"], at={"f": ["f1", "f3"]}).axes) == 2


def test_too_many_categories_are_refused():
    rng = np.random.default_rng(3)
    data = {"x": rng.normal(size=400), "y": rng.integers(8, size=400), "g": np.arange(400) % 9}
    fit = pp.glmm("y ~ x + (1 | g)", data, family="ordinal")
    with pytest.raises(DataError, match="8 categories, and a picture has 7 colours"):
        effects(fit, "x")


def test_another_kind_of_fit_is_refused(children):
    with pytest.raises(ModelError, match="lmm, stream_lmm, glmm and bmm, found DataFrame"):
        effects(children, "age")


def test_prediction_bands_say_of_what_they_are(growth):
    said = words(effects(growth, "age", interval="prediction"))
    assert "estimates with 95 % prediction bands, those of a new row of new groups" in said
