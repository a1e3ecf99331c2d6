"""How a dbt project is kept: the rules of dbt-project-evaluator and a few of our own, over everything declared.

A rule reports each thing that breaks it, in one sentence with what to do. Exceptions are listed with their reason in
the project's `style_exceptions.yml`; an exception that is no longer needed fails too, so that list can only shrink.
"""

from vending_platform_tests.dbt_project.style import descriptions, graph, keys, naming
from vending_platform_tests.dbt_project.style.portable import Sql, compiled_sql, objections_to
from vending_platform_tests.dbt_project.style.rule import Exceptions, Rule, Verdict, exceptions_of, judged

__all__ = ["RULES", "Exceptions", "Rule", "Sql", "Verdict", "compiled_sql", "exceptions_of", "judged", "objections_to"]

RULES: tuple[Rule, ...] = (*descriptions.RULES, *keys.RULES, *graph.RULES, *naming.RULES)
