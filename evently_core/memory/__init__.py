"""In-memory adapters of every port: for tests, simulations and first steps."""
