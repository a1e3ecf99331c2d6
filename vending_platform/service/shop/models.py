"""What the shop's API accepts and what it answers. Money is yen with tax, as a string, so that no digit is lost."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

PRODUCT_ID = r"^[A-Za-z0-9_-]{1,16}$"
ProductId = Annotated[str, StringConstraints(pattern=PRODUCT_ID), Field(examples=["P001"])]
MOST_ID = 2**63 - 1
RowId = Annotated[int, Field(ge=1, le=MOST_ID, examples=[1])]
AfterRow = Annotated[RowId | None, Query(description="The `next` of the page before.")]
PageSize = Annotated[int, Query(ge=1, le=100)]
MOST_CASES = 1_000
MOST_LINES = 50
Cases = Annotated[int, Field(ge=1, le=MOST_CASES, examples=[2])]
_LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
"""One line of text that is not blank."""
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
_EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,4}$"


class _ShopAnswer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _ShopRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Category(_ShopAnswer):
    category_id: str
    name: str | None = Field(description="Null where the shop does not know it.")


class CategoryInUse(Category):
    products: int = Field(description="How many products on sale belong to it.")


class CategoryList(_ShopAnswer):
    categories: list[CategoryInUse]


class ShopProduct(_ShopAnswer):
    product_id: str
    name: str
    category: Category
    units_per_case: int
    case_price: Decimal | None = Field(description="Today's, in yen with tax; null where there is none yet.")
    cases_available: int = Field(description="Cases that can be ordered now.")
    is_available: bool = Field(description="Whether it can be ordered now.")


class ProductPage(_ShopAnswer):
    products: list[ShopProduct]
    next: str | None = Field(description="What `after` has to be for the next page; null on the last one.")


class CustomerSegment(StrEnum):
    OFFICE = "office"
    CLINIC = "clinic"
    SCHOOL = "school"
    STUDIO = "studio"


class CustomerDetails(_ShopAnswer):
    customer_id: int
    email: str
    company_name: str
    contact_name: str
    segment: CustomerSegment
    prefecture: str
    newsletter: bool
    registered_at: AwareDatetime


class CustomerChange(_ShopRequest):
    """Only what is in it is changed."""

    email: Annotated[str, StringConstraints(pattern=_EMAIL, max_length=254)] | None = None
    company_name: Annotated[str, StringConstraints(pattern=_LINE, max_length=120)] | None = None
    contact_name: Annotated[str, StringConstraints(pattern=_LINE, max_length=80)] | None = None
    prefecture: Annotated[str, StringConstraints(pattern=_LINE, max_length=8)] | None = None
    newsletter: bool | None = None


class OrderStatus(StrEnum):
    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class PaymentMethod(StrEnum):
    CARD = "card"
    INVOICE = "invoice"
    KONBINI = "konbini"


class PaymentStatus(StrEnum):
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUNDED = "refunded"
    FAILED = "failed"


class NewLine(_ShopRequest):
    product_id: ProductId
    cases: Cases


class NewOrder(_ShopRequest):
    """Lines, or a subscription, whose product and cases are ordered then."""

    customer_id: RowId
    lines: list[NewLine] | None = Field(None, min_length=1, max_length=MOST_LINES)
    subscription_id: RowId | None = None
    payment_method: PaymentMethod
    note: Annotated[str, StringConstraints(pattern=_TEXT, max_length=200)] | None = None

    @model_validator(mode="after")
    def _says_what_is_ordered(self) -> Self:
        if (self.lines is None) == (self.subscription_id is None):
            raise ValueError("an order has either lines or a subscription_id")
        products = [line.product_id for line in self.lines or ()]
        if len(set(products)) < len(products):
            raise ValueError("each product has one line: add up its cases")
        return self


class OrderLine(_ShopAnswer):
    line: int
    product_id: str
    cases: int
    case_price: Decimal
    amount: Decimal


class OrderPayment(_ShopAnswer):
    payment_id: int
    method: PaymentMethod
    status: PaymentStatus
    amount: Decimal


class ShopOrder(_ShopAnswer):
    order_id: int
    customer_id: int
    subscription_id: int | None
    status: OrderStatus
    total: Decimal
    note: str | None
    ordered_at: AwareDatetime
    lines: list[OrderLine]
    payments: list[OrderPayment]


class PlacedOrder(_ShopAnswer):
    order: ShopOrder
    is_repeated: bool = Field(description="Whether an equal request with this key had placed it before.")


class OrderPage(_ShopAnswer):
    orders: list[ShopOrder]
    next: int | None = Field(description="What `after` has to be for the next page; null on the last one.")


class ProgressStatus(StrEnum):
    """How far the shop can take an order; who ordered cancels it by a request of its own."""

    PAID = "paid"
    SHIPPED = "shipped"
    DELIVERED = "delivered"


class OrderProgress(_ShopRequest):
    status: ProgressStatus


class SubscriptionStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class NewSubscription(_ShopRequest):
    customer_id: RowId
    product_id: ProductId
    cases: Cases
    every_days: Annotated[int, Field(ge=1, le=365)]
    starts_on: date | None = Field(None, description="The day of its first order; today if it is left out.")


class SubscriptionChange(_ShopRequest):
    """Only what is in it is changed. What has ended stays so."""

    cases: Cases | None = None
    every_days: Annotated[int, Field(ge=1, le=365)] | None = None
    status: SubscriptionStatus | None = None


class ShopSubscription(_ShopAnswer):
    subscription_id: int
    customer_id: int
    product_id: str
    cases: int
    every_days: int
    status: SubscriptionStatus
    started_on: date
    ended_on: date | None


class NewSubscriptionDone(_ShopAnswer):
    subscription: ShopSubscription
    is_repeated: bool = Field(description="Whether an equal request with this key had begun it before.")


class SubscriptionPage(_ShopAnswer):
    subscriptions: list[ShopSubscription]
    next: int | None = Field(description="What `after` has to be for the next page; null on the last one.")
