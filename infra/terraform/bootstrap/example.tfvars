account    = "210987654321"
prefix     = "hinode-vending"
suffix     = "staging"
repository = "hinode/platform"
