"""A store in one file: every row of a campaign, those that failed too, with the settings that made it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

import cg_data as cd
from cg_data.safe_files import atomic_path


def collected(store: str | Path) -> xr.Dataset:
    """Return all rows of a store in memory; g of a liquid on its r. `done` says which rows are there."""
    data = cd.Campaign.open(store).dataset()
    settings = data.attrs.get("settings", {})
    if "r" in data.dims and {"bins", "reach"} <= set(settings):
        width = settings["reach"] / settings["bins"]
        length = data["density"].attrs["units"].removesuffix("^-3")
        data = data.assign_coords(r=("r", (np.arange(settings["bins"]) + 0.5) * width, {"units": length}))
    return data


def write_collected(store: str | Path, path: str | Path) -> xr.Dataset:
    """Write `collected` as netCDF; settings and lists of its attributes become JSON."""
    data = collected(store)
    plain = data.assign_attrs(
        {k: v if isinstance(v, str | int | float) else json.dumps(v) for k, v in data.attrs.items()}
    )
    encoding = {str(name): {"zlib": True, "complevel": 9} for name in data.data_vars if data[name].ndim}
    with atomic_path(Path(path)) as draft:
        plain.to_netcdf(draft, encoding=encoding)
    return data
