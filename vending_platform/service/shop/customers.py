"""Customers' own data."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request

from vending_platform.service.mysql import DuplicateRow, MySqlDatabase, PooledSession
from vending_platform.service.shop.changes import Effect, change_of, make_once
from vending_platform.service.shop.models import MOST_ID, CustomerChange, CustomerDetails
from vending_platform.service.shop.orders import JAPAN
from vending_platform.service.shop.reach import refuse_others
from vending_platform.service.web import (
    COMMON_PROBLEMS,
    HttpProblem,
    ReadingCaller,
    WritingCaller,
    not_found,
    responses,
)

CustomerId = Annotated[int, Path(ge=1, le=MOST_ID, description="The customer's.")]


def customer_endpoints(database: MySqlDatabase) -> APIRouter:
    endpoints = APIRouter(tags=["customers"], responses=COMMON_PROBLEMS)

    @endpoints.get("/shop/v1/customers/{customer_id}", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_customer(caller: ReadingCaller, customer_id: CustomerId) -> CustomerDetails:
        """What the shop knows about a customer."""
        refuse_others(caller, customer_id)

        async def read(session: PooledSession) -> CustomerDetails:
            return await _known_customer(session, customer_id)

        return await database.read(read)

    @endpoints.patch(
        "/shop/v1/customers/{customer_id}",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )
    async def change_customer(
        request: Request, caller: WritingCaller, customer_id: CustomerId, wanted: CustomerChange
    ) -> CustomerDetails:
        """Change what is in the body, and nothing else."""
        refuse_others(caller, customer_id)
        change = change_of(request, caller, "change-customer", wanted, customer_id)
        customer, _ = await make_once(
            database, change, lambda session: _change(session, customer_id, wanted), _known_customer
        )
        return customer

    return endpoints


async def _change(session: PooledSession, customer_id: int, wanted: CustomerChange) -> Effect:
    """The record has what was changed, and not what it is now: it outlives the customer's data."""
    if await session.row("select 1 from customers where customer_id = %s for update", customer_id) is None:
        raise _no_such_customer(customer_id)
    changed = {name: value for name, value in wanted.model_dump().items() if value is not None}
    if changed:
        assignments = ", ".join(f"{name} = %s" for name in changed)
        try:
            await session.run(
                f"update customers set {assignments} where customer_id = %s", *changed.values(), customer_id
            )
        except DuplicateRow:
            raise HttpProblem(
                HTTPStatus.CONFLICT, "email-taken", "another customer has this e-mail address: use another one"
            ) from None
    return Effect(customer_id, {"changed": sorted(changed)})


async def _known_customer(session: PooledSession, customer_id: int) -> CustomerDetails:
    row = await session.row(
        "select customer_id, email, company_name, contact_name, segment, prefecture, newsletter, registered_at"
        " from customers where customer_id = %s",
        customer_id,
    )
    if row is None:
        raise _no_such_customer(customer_id)
    number, email, company, contact, segment, prefecture, newsletter, registered_at = row
    return CustomerDetails(
        customer_id=number,
        email=email,
        company_name=company,
        contact_name=contact,
        segment=segment,
        prefecture=prefecture,
        newsletter=bool(newsletter),
        registered_at=registered_at.replace(tzinfo=JAPAN),
    )


def _no_such_customer(customer_id: int) -> HttpProblem:
    return not_found(f"there is no customer {customer_id}")
