"""A round: simulations of every state point, what they found, and how far it is from the target."""
