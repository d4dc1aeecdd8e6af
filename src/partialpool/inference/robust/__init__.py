"""Cluster-robust covariances: right even where the model's covariance isn't."""

from __future__ import annotations

from partialpool.inference.robust.sandwich import (
    ClusterRobust,
    RobustKind,
    cluster_robust,
    robust_tests,
)

__all__ = ["ClusterRobust", "RobustKind", "cluster_robust", "robust_tests"]
