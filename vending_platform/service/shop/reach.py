"""Whose data a caller reaches: with the permission `manage` everyone's, otherwise those of the customer it acts for."""

from http import HTTPStatus

from vending_platform.service.web import ApiCaller, HttpProblem, Permission

SHOP_PERMISSIONS = frozenset({Permission.READ, Permission.WRITE, Permission.MANAGE})


def reaches_all(caller: ApiCaller) -> bool:
    return Permission.MANAGE in caller.permissions


def reaches(caller: ApiCaller, customer_id: int) -> bool:
    return reaches_all(caller) or caller.acts_for == str(customer_id)


def refuse_others(caller: ApiCaller, customer_id: int) -> None:
    if not reaches(caller, customer_id):
        raise HttpProblem(
            HTTPStatus.FORBIDDEN, "other-customer", f"{caller.name} does not act for customer {customer_id}"
        )


def listed_customer(caller: ApiCaller, wanted: int | None) -> int | None:
    """The only customer whose rows a list has: the wanted one, or the caller's own; None for everyone's."""
    if wanted is not None:
        refuse_others(caller, wanted)
        return wanted
    if reaches_all(caller):
        return None
    if caller.acts_for is None or not caller.acts_for.isdecimal():
        raise HttpProblem(
            HTTPStatus.FORBIDDEN,
            "no-customer",
            f"{caller.name} acts for no customer: it needs a key that does, or the permission manage",
        )
    return int(caller.acts_for)
