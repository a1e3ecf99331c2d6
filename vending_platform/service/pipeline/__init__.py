"""The pipeline API: start a run, follow it, see what there is, fetch its files."""
