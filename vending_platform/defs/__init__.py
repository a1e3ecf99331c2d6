"""A team's own assets, jobs, schedules, sensors and components: every file in here is loaded by itself.

`dg scaffold defs dagster.asset my_team/assets.py` makes one; docs/own-assets.md says what it can use.
"""
