"""Networks from U(r) to the pressure and from g(r) to U(r) (paper 01)."""
