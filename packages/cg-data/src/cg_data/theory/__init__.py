"""Theory of liquids by the Ornstein–Zernike equation: g(r) and P from U(r), and U(r) from g(r), in milliseconds."""
