"""Checks of the Terraform code that need no account and no network: `make infra`."""
