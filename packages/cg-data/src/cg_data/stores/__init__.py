"""Where datasets live: netCDF files, and campaigns of runs as Zarr stores."""
