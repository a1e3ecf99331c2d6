"""Vending's own functions: analyses of what was sold, and the declaration of its forecasts."""
