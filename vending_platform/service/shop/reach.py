"""Whose data a caller reaches: with the permission `manage` everyone's, otherwise those of the customer it acts for."""

from http import HTTPStatus

from vending_platform.service.web import ApiCaller, HttpProblem, Permission

SHOP_PERMISSIONS = frozenset({Permission.READ, Permission.WRITE, Permission.MANAGE})


def reaches_all(caller: ApiCaller) -> bool:
    return Permission.MANAGE in caller.permissions


def refuse_others(caller: ApiCaller, customer_id: int) -> None:
    if not reaches_all(caller) and caller.acts_for != str(customer_id):
        raise HttpProblem(
            HTTPStatus.FORBIDDEN, "other-customer", f"{caller.name} does not act for customer {customer_id}"
        )


def own_customer(caller: ApiCaller) -> int | None:
    """The only customer whose rows it sees; None for everyone's."""
    if reaches_all(caller):
        return None
    if caller.acts_for is None or not caller.acts_for.isdecimal():
        raise HttpProblem(
            HTTPStatus.FORBIDDEN,
            "no-customer",
            f"{caller.name} acts for no customer: it needs a key that does, or the permission manage",
        )
    return int(caller.acts_for)
