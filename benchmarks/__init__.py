"""What `make bench` runs: figures as ratios against something measured beside them, on the same machine, in turn."""
