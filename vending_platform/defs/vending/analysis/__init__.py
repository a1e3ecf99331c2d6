"""Vending's analyses: every module here is a pipeline. `vending analyse` runs them on a mart or on any file."""
