import numpy as np
import pytest

from partialpool.compat.merf import MERFDataGenerator
from partialpool.errors import DataError


def test_rows_follow_the_law_that_is_said():
    generator = MERFDataGenerator(0.6, 4.5, 1.0, seed=1)
    rows, ptev, prev = generator.generate_samples([200] * 100)
    x = rows[["X_0", "X_1", "X_2"]].to_numpy()
    g = 2 * x[:, 0] + x[:, 1] ** 2 + 4 * (x[:, 2] > 0) + 2 * np.log(np.abs(x[:, 0])) * x[:, 2]
    noise = rows["y"] - 0.6 * g - generator.b[rows["cluster"]]
    # Standard errors: 1 / sqrt(2 * 20000) and 4.5 / sqrt(200).
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert generator.b.std() == pytest.approx(4.5, abs=1.3)
    assert prev == pytest.approx(100 * 4.5**2 / (4.5**2 + 0.36 * g.var()), rel=1e-10)
    assert 90 < ptev < 100


def test_splits_have_the_sizes_that_are_asked_for():
    generator = MERFDataGenerator(0.6, 4.5, 1.0, seed=1)
    train, known, new, ids, _, _ = generator.generate_split_samples([3, 5], [2, 2], [4])
    assert train.groupby("cluster").size().tolist() == [3, 5]
    assert known.groupby("cluster").size().tolist() == [2, 2]
    assert new["cluster"].tolist() == [2] * 4
    assert ids.tolist() == [0, 1]


def test_a_seed_gives_the_same_rows():
    draws = [MERFDataGenerator(1, 1, 1, seed=3).generate_samples([5, 5])[0] for _ in range(2)]
    assert draws[0].equals(draws[1])


def test_known_clusters_are_those_trained():
    with pytest.raises(DataError, match="2 clusters to train and 1 known ones"):
        MERFDataGenerator(1, 1, 1).generate_split_samples([3, 5], [2], [4])
