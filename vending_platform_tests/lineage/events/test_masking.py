"""Messages may be read by anyone: what they quote of the data is masked, what they say of the project is not."""

import pytest

from vending_platform.lineage.events.masking import masked_message

KNOWN = {"staff", "staff_name", "marts", "int32"}


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("Could not convert string 'Sato' to INT32", "Could not convert string '•••' to INT32"),
        ("can't cast 'O'Brien' in 'staff_name'", "can't cast '•••' in 'staff_name'"),
        ('Duplicate key "staff_name: Sato" violates', 'Duplicate key "•••" violates'),
        ('table "marts"."staff" is locked', 'table "marts"."staff" is locked'),
        ("person 山田 太郎 is twice", "person ••• ••• is twice"),
        ("call 090-1234-5678 or +819012345678", "call ••• or •••"),
        ("2024-03-01 has 12 rows of 1,000", "2024-03-01 has 12 rows of 1,000"),
        ("an open 'quote of Sato", "an open •••"),
        ("first line\nSato", "first line"),
        ("password=hunter2", "***"),
        ("mysql://reader:hunter2@db:3306/shop is down", "mysql://•••@db:3306/shop is down"),
        ("https://api/v1/days?key=hunter2&day=1 answered 401", "https://api/v1/days?••• answered 401"),
        ("is it so? yes=no", "is it so? yes=no"),
        ("api (GET /v1) answered 404 (no user Sato (1)): ask", "api (GET /v1) answered 404 (•••)"),
        ("", ""),
    ],
)
def test_what_is_quoted_is_masked_and_what_is_the_projects_is_not(message: str, masked: str) -> None:
    assert masked_message(message, KNOWN) == masked
