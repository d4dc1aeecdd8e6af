"""merf's simulated data, with a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.inference.seeds import Seed, generator

__all__ = ["MERFDataGenerator"]

Vector = NDArray[np.float64]


class MERFDataGenerator:
    """Clustered data y = m g(x) + b + e, g(x) = 2 x0 + x1^2 + 4 (x2 > 0) + 2 x2 log|x0|.

    With the names of merf's class, and a seed in place of NumPy's global state.

    Parameters
    ----------
    m
        Scale of the fixed part.
    sigma_b
        Standard deviation of the clusters' intercepts.
    sigma_e
        Standard deviation of the noise.
    seed
        Of the draws.

    Attributes
    ----------
    b
        The clusters' intercepts that were drawn last.
    ptev
        Percentage of the total variance that is not noise.
    prev
        Percentage of that which is the clusters'.

    Examples
    --------
    >>> rows, ptev, prev = MERFDataGenerator(0.6, 4.5, 1.0, seed=1).generate_samples([3, 2])
    >>> rows.columns.tolist(), len(rows)
    (['y', 'X_0', 'X_1', 'X_2', 'Z', 'cluster'], 5)
    """

    def __init__(self, m: float, sigma_b: float, sigma_e: float, seed: Seed = None) -> None:
        self.m, self.sigma_b, self.sigma_e, self.seed = m, sigma_b, sigma_e, seed
        self.b: Vector | None = None
        self.ptev: float | None = None
        self.prev: float | None = None
        self._rng = generator(seed)

    def generate_samples(self, n_samples_per_cluster: Sequence[int]) -> tuple[Any, float, float]:
        """Draw rows for clusters of given sizes.

        Parameters
        ----------
        n_samples_per_cluster
            Rows of each cluster.

        Returns
        -------
        pandas frame, float, float
            Columns ``y``, ``X_0``, ``X_1``, ``X_2``, ``Z`` (ones) and ``cluster``; then ``ptev``
            and ``prev``.
        """
        sizes = np.asarray(n_samples_per_cluster, dtype=int)
        n, rng = int(sizes.sum()), self._rng
        X = rng.normal(size=(n, 3))
        g = 2 * X[:, 0] + X[:, 1] ** 2 + 4 * (X[:, 2] > 0) + 2 * np.log(np.abs(X[:, 0])) * X[:, 2]
        self.b = rng.normal(scale=self.sigma_b, size=len(sizes))
        cluster = np.repeat(np.arange(len(sizes)), sizes)
        y = self.m * g + self.b[cluster] + rng.normal(scale=self.sigma_e, size=n)
        fixed, random = (self.m * float(np.std(g))) ** 2, self.sigma_b**2
        self.ptev = 100 * (fixed + random) / (fixed + random + self.sigma_e**2)
        self.prev = 100 * random / (fixed + random)
        columns = {"y": y, "X_0": X[:, 0], "X_1": X[:, 1], "X_2": X[:, 2], "Z": np.ones(n)}
        return pd.DataFrame({**columns, "cluster": cluster}), self.ptev, self.prev

    def generate_split_samples(
        self,
        n_training_per_cluster: Sequence[int],
        n_test_known_per_cluster: Sequence[int],
        n_test_new_per_cluster: Sequence[int],
    ) -> tuple[Any, Any, Any, NDArray[np.int64], float, float]:
        """Draw training rows, test rows of the same clusters, and test rows of new ones.

        Parameters
        ----------
        n_training_per_cluster, n_test_known_per_cluster
            Rows of each known cluster.
        n_test_new_per_cluster
            Rows of each new cluster.

        Returns
        -------
        three pandas frames, array, float, float
            Training, known and new test rows; labels of the training clusters; ``ptev`` and
            ``prev``.

        Raises
        ------
        DataError
            If the known clusters differ in number.
        """
        if len(n_training_per_cluster) != len(n_test_known_per_cluster):
            raise DataError(
                f"there are {len(n_training_per_cluster)} clusters to train and "
                f"{len(n_test_known_per_cluster)} known ones to test; they are the same clusters."
            )
        train = np.asarray(n_training_per_cluster, dtype=int)
        known = train + np.asarray(n_test_known_per_cluster, dtype=int)
        rows, ptev, prev = self.generate_samples([*known, *n_test_new_per_cluster])
        place = rows.groupby("cluster").cumcount().to_numpy()
        cluster = rows["cluster"].to_numpy()
        old = cluster < len(known)
        first = place < np.append(train, np.zeros(len(n_test_new_per_cluster), int))[cluster]
        parts = (rows[old & first], rows[old & ~first], rows[~old])
        return (*parts, np.unique(cluster[old & first]), ptev, prev)
