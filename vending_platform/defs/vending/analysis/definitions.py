"""What Dagster loads of this folder: nothing. The platform makes the assets of the pipelines beside this file, for the
domain that they belong to, and needs Hamilton only there."""

import dagster as dg

definitions = dg.Definitions()
