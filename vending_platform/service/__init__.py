"""HTTP: people and programs use the platform through it.

`web` has the manners that every application shares (errors, log-in, limits, logs, metrics); each other package is one
application: `pipeline` starts and follows runs, gives out files, and serves the dashboard's page. None of them knows
Dagster's Python: runs go through its GraphQL. The extra `service` installs what they need, and nothing is imported
before it is used.
"""
