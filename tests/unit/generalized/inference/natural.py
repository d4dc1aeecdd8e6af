"""The objective of a fit as a function of the parameters that people read."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from partialpool.core import vector
from partialpool.generalized.inference.parameters import estimated
from partialpool.solve.generalized import core_terms

__all__ = ["Natural"]


class Natural:
    """Minus twice the log-likelihood of a fit in coefficients, deviations and correlations."""

    def __init__(self, fit):
        self.fit, self.solution = fit, fit.solution
        self.parameters = [e.parameter for e in estimated(fit, fit.solution)]
        self.values = {e.parameter.label: e.value for e in estimated(fit, fit.solution)}

    def __call__(self, values):
        problem, solution = self.solution.problem, self.solution
        beta = {name: np.array(b) for name, b in solution.beta.items()}
        for p in self.parameters:
            if p.kind == "fixed":
                beta[p.component][p.position] = values[p.label]
        coefficients = [vector(b[~np.isnan(b)]) for b in beta.values()]
        psi = np.concatenate(
            [np.empty(0), *(self._psi(t, values) for t in core_terms(solution.layout))]
        )
        return problem.at(vector(psi), coefficients, solution.objective.core).objective

    def least(self, label, value):
        """Minimum with one parameter held, by steps that know no derivatives of ours."""
        start = {name: v for name, v in self.values.items() if not np.isnan(v)}
        free = [name for name in start if name != label and not self._follows(name, label)]
        x0 = np.array([_to_free(name, start[name]) for name in free])

        def deviance(x):
            at = {name: _from_free(name, v) for name, v in zip(free, x, strict=True)}
            found = self(self.spread(at | {label: value}))
            return found if np.isfinite(found) else 1e10

        if not free:
            return deviance(x0)
        found = minimize(deviance, x0, method="BFGS", options={"gtol": 1e-5})
        again = {"xatol": 1e-6, "fatol": 1e-8, "maxfev": 400 * len(free)}
        return minimize(deviance, found.x, method="Nelder-Mead", options=again).fun

    def leaders(self):
        """Names of parameters that no other one determines."""
        gone = self._followers(None)
        return [name for name, v in self.values.items() if name not in gone and not np.isnan(v)]

    def _follows(self, name, label):
        """Whether a structure derives a parameter from others: one sd, one correlation."""
        own = {p.label: p for p in self.parameters}
        return name in self._followers(own[label])

    def _followers(self, held):
        followers = set()
        for p in self.parameters:
            if p.kind not in ("sd", "cor"):
                continue
            structure = self._structure(p)
            same = [
                q for q in self.parameters
                if (q.component, q.position, q.kind) == (p.component, p.position, p.kind)
            ]  # fmt: skip
            together = {
                "sd": ("homdiag", "homcs", "ar1"), "cor": ("cs", "homcs", "ar1", "hetar1"),
            }[p.kind]  # fmt: skip
            if structure in together:
                leader = held if held in same else same[0]
                followers |= {q.label for q in same if q != leader}
        return followers

    def _structure(self, p):
        return self.fit.designs[p.component].random[p.position].term.structure

    def spread(self, values):
        """Give every parameter of a structured term its leader's value."""
        out = dict(values)
        for p in self.parameters:
            if p.label in out or np.isnan(self.values[p.label]):
                continue
            same = [
                q.label for q in self.parameters
                if (q.component, q.position, q.kind) == (p.component, p.position, p.kind)
                and q.label in values
            ]  # fmt: skip
            out[p.label] = values[same[0]]
        return out

    def _psi(self, term, values):
        effects = self.fit.designs[term.part].random[term.term]
        own = [p for p in self.parameters if (p.component, p.position) == (term.part, term.term)]
        k = term.k
        sd = np.array([values[p.label] for p in own if p.kind == "sd"])
        turn = self.solution.problem.term_matrix(term.position)
        corr = np.eye(k)
        for p in own:
            if p.kind == "cor":
                i, j = p.effects
                corr[i, j] = corr[j, i] = values[p.label]
        structure = effects.term.structure
        if k == 1:
            return sd / np.diag(turn)
        if structure == "unstructured":
            inverse = np.linalg.inv(turn)
            S = inverse @ (np.outer(sd, sd) * corr) @ inverse.T
            return np.linalg.cholesky(S).T[np.triu_indices(k)]
        sd = sd / np.diag(turn)
        if structure == "diagonal":
            return sd
        if structure == "homdiag":
            return sd[:1]
        low = -1.0 if structure in ("ar1", "hetar1") else -1.0 / (k - 1)
        angle = np.arcsin((corr[1, 0] - 0.5 * (1 + low)) / (0.5 * (1 - low)))
        scales = np.sqrt(sd) if structure in ("cs", "hetar1") else sd[:1]
        return np.append(scales, angle)


def _to_free(name, value):
    if name.startswith("sd("):
        return np.log(value)
    return np.arctanh(value) if name.startswith("corr(") else value


def _from_free(name, x):
    if name.startswith("sd("):
        return np.exp(x)
    return np.tanh(x) if name.startswith("corr(") else x
