"""Local servers that speak the protocols of the clouds, for the real clients."""
