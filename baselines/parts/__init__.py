"""Parts that several of the published systems are made of."""
