"""Deep potentials: energies of atoms or beads by networks of their environments, smooth ones and those of local frames."""
