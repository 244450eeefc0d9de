"""DiffSim (paper 03): potentials learned through a differentiable simulation."""
