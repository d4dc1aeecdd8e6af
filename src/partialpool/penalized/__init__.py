"""Penalised hierarchical regression."""
