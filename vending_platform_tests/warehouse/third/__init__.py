"""Types of warehouse that only tests have."""
