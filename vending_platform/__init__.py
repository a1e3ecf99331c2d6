"""From vending-machine deliveries to trusted marts and exports. `docs/architecture.md` is the map of this project."""
