"""A change happens once, and is on record, whatever is sent again, killed or lost on the way.

In one transaction with what it does, a change writes a row with its token, of which there can be one only. A
token that is taken was used before: by another request with the same Idempotency-Key, or by this one, whose commit
was done although its answer was lost. Then nothing is done, and what was made is looked up. Where the first of two is
still under way, the database lets the second wait for it.
"""

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Header, Request
from pydantic import BaseModel

from vending_platform.service.mysql import DuplicateRow, MySqlDatabase, PooledSession
from vending_platform.service.web import ApiCaller, HttpProblem

T = TypeVar("T")
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Equal requests of one caller with one key make one change, for ever. Send a new one for each"
        " change, and the same one again where no answer came.",
    ),
]


@dataclass(frozen=True)
class RequestedChange:
    """What is to be changed, and for whom."""

    action: str
    token: bytes = field(repr=False)
    digest: bytes
    caller: str
    request_id: str


@dataclass(frozen=True)
class Effect:
    """What a change did: to what, and what the record says of it, without personal data."""

    subject_id: int
    details: Mapping[str, Any] = field(default_factory=dict)


def change_of(
    request: Request,
    caller: ApiCaller,
    action: str,
    wanted: BaseModel | None,
    subject_id: int = 0,
    key: str | None = None,
) -> RequestedChange:
    """Without a key the request itself is what happens once."""
    request_id = str(request.state.request_id)
    which = f"key\0{caller.id}\0{key}" if key is not None else f"request\0{secrets.token_hex(32)}"
    content = wanted.model_dump_json() if wanted is not None else ""
    return RequestedChange(
        action, _hash(which), _hash(f"{action}\0{subject_id}\0{content}"), caller.id[:120], request_id
    )


async def make_once(
    database: MySqlDatabase,
    change: RequestedChange,
    work: Callable[[PooledSession], Awaitable[Effect]],
    found: Callable[[PooledSession, int], Awaitable[T]],
) -> tuple[T, bool]:
    """What `found` gives for the subject of the change, and whether the change was made before."""

    async def transaction(session: PooledSession) -> tuple[T, bool]:
        try:
            await session.run(
                "insert into api_changes (token, digest, caller, request_id, action) values (%s, %s, %s, %s, %s)",
                *(change.token, change.digest, change.caller, change.request_id, change.action),
            )
        except DuplicateRow:
            subject_id, is_repeated = await _made_before(session, change)
            return await found(session, subject_id), is_repeated
        change_id = session.last_id
        effect = await work(session)
        details = json.dumps(effect.details, ensure_ascii=False, separators=(",", ":"), default=str)
        await session.run(
            "update api_changes set subject_id = %s, details = %s where change_id = %s",
            *(effect.subject_id, details, change_id),
        )
        return await found(session, effect.subject_id), False

    return await database.change(transaction)


async def _made_before(session: PooledSession, change: RequestedChange) -> tuple[int, bool]:
    """What was made, and whether another request did it: this one did, if the answer to its commit was lost."""
    row = await session.row("select digest, subject_id, request_id from api_changes where token = %s", change.token)
    assert row is not None, "no one deletes from api_changes"
    if row[0] != change.digest:
        raise HttpProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "key-reused",
            "this Idempotency-Key was used for another request: send this one with a key of its own",
        )
    return int(row[1]), row[2] != change.request_id


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
