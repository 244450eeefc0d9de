"""The methods of inversion: each says what to start from and how a round's samples change the potential."""
