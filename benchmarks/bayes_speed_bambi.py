"""One Bambi fit of sleepstudy, timed: reads a CSV file, prints JSON. Called by bayes_speed.py."""

from __future__ import annotations

import json
import sys
import time
import warnings


def main() -> None:
    path, sampler = sys.argv[1:3]
    warnings.simplefilter("ignore")
    import arviz as az
    import bambi as bmb
    import pandas as pd

    data = pd.read_csv(path, dtype={"Subject": str})
    start, cpu = time.perf_counter(), time.process_time()
    model = bmb.Model("Reaction ~ Days + (Days | Subject)", data)
    found = model.fit(
        draws=1000,
        tune=1000,
        chains=4,
        inference_method=sampler,
        random_seed=1,
        **({"chain_method": "vectorized"} if sampler == "numpyro" else {}),
    )
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    names = [name for name in found.posterior.data_vars if "Subject_offset" not in name]
    smallest = min(
        float(az.ess(found.posterior[name].values.reshape(4, 1000, -1)[:, :, i]))
        for name in names
        for i in range(found.posterior[name].values.reshape(4, 1000, -1).shape[2])
    )
    print(json.dumps({"wall": wall, "cpu": cpu, "ess": smallest}))


if __name__ == "__main__":
    main()
