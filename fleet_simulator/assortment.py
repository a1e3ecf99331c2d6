"""What the fleet sells and how people pay: categories, products with their price history, payment methods.

Brands are invented. JAN codes use the prefixes that GS1 keeps for use inside a company (02, 04 and 20 to
29), so that none of them can be the code of a real product.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Category:
    category_id: str
    name: str
    parent_id: str


@dataclass(frozen=True)
class Product:
    """One product as the newest master shows it; `list_price` is the price after every change."""

    product_id: str
    jan_code: str
    name: str
    category_id: str
    unit_cost: int
    list_price: int
    temperature: str
    shelf_life_days: int
    sold_from: date
    sold_to: date | None
    popularity: float


@dataclass(frozen=True)
class PriceChange:
    product_id: str
    effective_on: date
    old_price: int
    new_price: int


@dataclass(frozen=True)
class PaymentMethod:
    payment_method_id: str
    name: str
    payment_type: str
    fee_rate: str


@dataclass(frozen=True)
class Assortment:
    """`prices[product, day]` is the price in yen that every machine charges on that day of the period."""

    products: tuple[Product, ...]
    price_changes: tuple[PriceChange, ...]
    prices: NDArray[np.int64]

    def sellable(self, temperature: str) -> list[int]:
        """The products that machines may hold, as positions in `products`."""
        return [
            position
            for position, product in enumerate(self.products)
            if product.temperature == temperature and product.sold_to is None
        ]


CATEGORIES = (
    Category("C01", "飲料", ""),
    Category("C02", "食品", ""),
    Category("C11", "コーヒー", "C01"),
    Category("C12", "お茶", "C01"),
    Category("C13", "水", "C01"),
    Category("C14", "炭酸飲料", "C01"),
    Category("C15", "果汁・野菜飲料", "C01"),
    Category("C16", "スポーツ飲料", "C01"),
    Category("C17", "エナジー飲料", "C01"),
    Category("C18", "紅茶・ココア", "C01"),
    Category("C21", "スープ", "C02"),
    Category("C22", "デザート", "C02"),
)

PAYMENT_METHODS = (
    PaymentMethod("PM01", "現金", "cash", "0.0000"),
    PaymentMethod("PM02", "交通系ICカード", "e_money", "0.0250"),
    PaymentMethod("PM03", "つばめっこマネー", "e_money", "0.0280"),
    PaymentMethod("PM04", "こはくマネー", "e_money", "0.0300"),
    PaymentMethod("PM05", "ぽぽんコード払い", "qr", "0.0198"),
    PaymentMethod("PM06", "そよかぜコード払い", "qr", "0.0175"),
    PaymentMethod("PM07", "クレジットカード（タッチ決済）", "card", "0.0324"),
)

# name, category, cost, first price, temperature, shelf life in days, popularity
_DESIGNS: tuple[tuple[str, str, int, int, str, int, float], ...] = (
    ("霧笛珈琲 微糖 185g", "C11", 62, 130, "cold", 365, 1.5),
    ("霧笛珈琲 ブラック 185g", "C11", 60, 130, "cold", 365, 1.7),
    ("霧笛珈琲 カフェオレ 270ml", "C11", 71, 140, "cold", 270, 1.1),
    ("霧笛珈琲 ボトル缶ブラック 400g", "C11", 88, 160, "cold", 365, 1.2),
    ("髙嶺焙煎 深煎り 185g", "C11", 66, 140, "cold", 365, 0.8),
    ("ことのは 緑茶 525ml", "C12", 70, 160, "cold", 270, 2.2),
    ("ことのは 濃い緑茶 525ml", "C12", 73, 160, "cold", 270, 1.3),
    ("ことのは ほうじ茶 525ml", "C12", 70, 160, "cold", 270, 1.0),
    ("麦わら屋 麦茶 600ml", "C12", 66, 150, "cold", 270, 1.6),
    ("玻璃烏龍 500ml", "C12", 69, 150, "cold", 270, 0.9),
    ("しずく山の天然水 550ml", "C13", 48, 120, "cold", 730, 2.1),
    ("しずく山の炭酸水 500ml", "C13", 55, 130, "cold", 365, 0.9),
    ("しずく山の天然水 レモン 500ml", "C13", 60, 140, "cold", 365, 0.7),
    ("パチ丸サイダー 500ml", "C14", 72, 160, "cold", 270, 1.4),
    ("パチ丸サイダー 白ぶどう 500ml", "C14", 74, 160, "cold", 270, 0.8),
    ("クロボシコーラ 500ml", "C14", 75, 160, "cold", 270, 1.9),
    ("クロボシコーラ ゼロ 500ml", "C14", 75, 160, "cold", 270, 1.2),
    ("ジンジャーの小径 350ml", "C14", 65, 140, "cold", 365, 0.6),
    ("しあわせ果樹園 みかん 280ml", "C15", 80, 140, "cold", 240, 0.9),
    ("しあわせ果樹園 りんご 280ml", "C15", 80, 140, "cold", 240, 0.9),
    ("はたけ日和 野菜一日分 200ml", "C15", 78, 130, "cold", 210, 0.5),
    ("ぷるりん 桃ゼリー飲料 280g", "C22", 77, 140, "cold", 240, 0.5),
    ("ソラカケル スポーツドリンク 500ml", "C16", 70, 160, "cold", 270, 1.7),
    ("ソラカケル ライト 500ml", "C16", 70, 160, "cold", 270, 0.8),
    ("雷神チャージ 250ml", "C17", 115, 210, "cold", 365, 0.8),
    ("雷神チャージ①番星 355ml", "C17", 125, 230, "cold", 365, 0.5),
    ("ミルク紅茶 窓辺のひととき 500ml", "C18", 76, 160, "cold", 240, 1.2),
    ("レモン紅茶 窓辺のひととき 500ml", "C18", 74, 160, "cold", 240, 0.8),
    ("霧笛珈琲 微糖 ホット 185g", "C11", 62, 130, "hot", 365, 1.7),
    ("霧笛珈琲 ブラック ホット 185g", "C11", 60, 130, "hot", 365, 1.6),
    ("霧笛珈琲 カフェオレ ホット 280ml", "C11", 72, 140, "hot", 270, 1.4),
    ("髙嶺焙煎 深煎り ホット 260g", "C11", 82, 150, "hot", 365, 0.9),
    ("ことのは 緑茶 ホット 345ml", "C12", 64, 140, "hot", 270, 1.5),
    ("ことのは ほうじ茶 ホット 345ml", "C12", 64, 140, "hot", 270, 1.1),
    ("ミルク紅茶 窓辺のひととき ホット 345ml", "C18", 70, 140, "hot", 240, 1.3),
    ("こたつ堂 ココア ホット 280ml", "C18", 73, 140, "hot", 270, 1.1),
    ("こたつ堂 おしるこ ホット 190g", "C22", 68, 130, "hot", 365, 0.6),
    ("とろとろ亭 コーンスープ ホット 185g", "C21", 70, 140, "hot", 365, 1.4),
    ("とろとろ亭 オニオンスープ ホット 185g", "C21", 72, 140, "hot", 365, 0.5),
    ("蜂蜜ゆず日和 ホット 280ml", "C15", 74, 140, "hot", 270, 0.9),
    ("玻璃烏龍 ジャスミン 500ml", "C12", 69, 150, "cold", 270, 0.0),
    ("とろとろ亭 かぼちゃスープ ホット 185g", "C21", 71, 140, "hot", 365, 0.0),
)


def jan_code(number: int) -> str:
    """The 13-digit JAN code of a company-internal number; the last digit is the check digit."""
    prefix = ("02", "04", "20", "21")[number % 4]
    digits = f"{prefix}{4800000 + number * 137:010d}"
    weighted = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(digits))
    return f"{digits}{(10 - weighted % 10) % 10}"


def build(seed: int, first_day: date, days: int) -> Assortment:
    """The assortment of one period; about one product in six gets dearer at each price revision."""
    rng = np.random.default_rng([seed, 0, 1])
    prices = np.repeat(np.array([[design[3]] for design in _DESIGNS], dtype=np.int64), days, axis=1)
    changes: list[PriceChange] = []
    revisions = max(1, days // 180) if days >= 2 else 0
    for revision in range(revisions):
        day = (2 * revision + 1) * days // (2 * revisions)
        for position in np.sort(rng.choice(len(_DESIGNS), size=len(_DESIGNS) // 6, replace=False)):
            old = int(prices[position, day])
            new = old + 10 * int(rng.integers(1, 3))
            prices[position, day:] = new
            changes.append(PriceChange(_product_id(int(position)), first_day + timedelta(days=day), old, new))
    products = tuple(
        Product(
            product_id=_product_id(position),
            jan_code=jan_code(position),
            name=name,
            category_id=category_id,
            unit_cost=cost,
            list_price=int(prices[position, -1]),
            temperature=temperature,
            shelf_life_days=shelf_life,
            sold_from=first_day - timedelta(days=300 + int(rng.integers(0, 900))),
            sold_to=first_day - timedelta(days=30) if popularity == 0.0 else None,
            popularity=popularity,
        )
        for position, (name, category_id, cost, _, temperature, shelf_life, popularity) in enumerate(_DESIGNS)
    )
    return Assortment(products, tuple(changes), prices)


def _product_id(position: int) -> str:
    return f"P{position + 1:04d}"
