"""From atoms to beads: what a bead is, where it sits, which force acts on it; and the files that say so."""
