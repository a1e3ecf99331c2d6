"""The machines, the sites they stand on, the people who serve them and the rounds those people drive.

Everything about machine number n comes from random streams of its own, so it is the same machine in a fleet
of 8 and in a fleet of 80.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fleet_simulator.assortment import Assortment

DAY_SECONDS = 86_400
LOCATION_TYPES = ("office", "station", "school", "hospital", "factory", "park", "street")
MACHINES_PER_ROUTE = 10
MACHINES_PER_LIFECYCLE = 50


@dataclass(frozen=True)
class Prefecture:
    """A prefecture around its capital; yearly mean and half the yearly swing in degrees Celsius."""

    name: str
    city: str
    latitude: float
    longitude: float
    mean_temperature: float
    swing: float


@dataclass(frozen=True)
class Slot:
    """One column of a machine; products are positions in the assortment, `hot_product` is for the winter."""

    slot_no: str
    capacity: int
    product: int
    hot_product: int | None
    weight: float


@dataclass(frozen=True)
class Visit:
    """A visit as planned; `starts` counts seconds from the first day's midnight."""

    visit_id: str
    staff_id: str
    starts: int
    kind: str


@dataclass(frozen=True)
class Machine:
    """A machine and everything that is decided before the first purchase.

    `first` and `last` are the days of the period on which it stands, `silent_from` the day from which a
    machine in maintenance sells nothing. Seasonal slots turn cold on `turns_cold` and hot on `turns_hot`,
    (month, day).
    """

    number: int
    machine_id: str
    name: str
    location_name: str
    location_type: str
    prefecture: Prefecture
    latitude: float
    longitude: float
    route_id: str
    installed_on: date
    removed_on: date | None
    status: str
    commission_rate: str
    daily_vends: float
    opening_meter: int
    first: int
    last: int
    silent_from: int | None
    turns_cold: tuple[int, int]
    turns_hot: tuple[int, int]
    slots: tuple[Slot, ...]
    visits: tuple[Visit, ...]

    def product_on(self, slot: Slot, day: date) -> int:
        """The product that belongs into the slot on that day."""
        if slot.hot_product is None:
            return slot.product
        is_cold = self.turns_cold <= (day.month, day.day) < self.turns_hot
        return slot.product if is_cold else slot.hot_product


@dataclass(frozen=True)
class Employee:
    staff_id: str
    name: str
    branch: str
    route_id: str


@dataclass(frozen=True)
class Fleet:
    machines: tuple[Machine, ...]
    staff: tuple[Employee, ...]


PREFECTURES = (
    Prefecture("東京都", "東京", 35.6895, 139.6917, 15.8, 10.8),
    Prefecture("大阪府", "大阪", 34.6937, 135.5023, 17.1, 11.8),
    Prefecture("愛知県", "名古屋", 35.1815, 136.9066, 16.2, 12.0),
    Prefecture("北海道", "札幌", 43.0618, 141.3545, 9.2, 13.5),
    Prefecture("福岡県", "福岡", 33.5902, 130.4017, 17.3, 11.0),
    Prefecture("宮城県", "仙台", 38.2682, 140.8694, 12.8, 11.5),
    Prefecture("神奈川県", "横浜", 35.4437, 139.6380, 16.2, 10.5),
    Prefecture("埼玉県", "さいたま", 35.8617, 139.6455, 15.4, 11.7),
    Prefecture("京都府", "京都", 35.0116, 135.7681, 16.2, 12.0),
    Prefecture("広島県", "広島", 34.3853, 132.4553, 16.5, 11.6),
    Prefecture("新潟県", "新潟", 37.9026, 139.0232, 13.9, 12.0),
    Prefecture("千葉県", "千葉", 35.6074, 140.1065, 16.2, 10.8),
)

_DAILY_VENDS = {
    "office": 94.0,
    "station": 120.0,
    "school": 92.0,
    "hospital": 82.0,
    "factory": 106.0,
    "park": 56.0,
    "street": 60.0,
}
_PLACES = (
    "そらまめ台", "月兎坂", "花霞里", "星屑ヶ浦", "碧ヶ淵", "若鮎沢", "朝凪野",
    "風待台", "桐笛町", "白鷺ノ橋", "茜雲通", "時雨ノ森", "小麦坂", "鈴音原",
)  # fmt: skip
# Characters that only the NEC and IBM extensions of Shift_JIS know: who takes CP932 for plain Shift_JIS
# stumbles over them.
_EXTENDED_PLACES = ("髙鳴瀬", "柳ノ﨑")
_CIRCLED = "①②③④⑤"
_SITES = {
    "office": "㈱{place}総業 第{circled}ビル",
    "station": "{place}駅 {circled}番ホーム",
    "school": "{place}学園高等部 {number}号館",
    "hospital": "{place}中央病院 {number}階待合",
    "factory": "㈱{place}製作所 第{circled}工場",
    "park": "{place}公園 噴水前{circled}",
    "street": "{place}商店街 {number}丁目",
}
_FAMILY_NAMES = (
    "髙﨑",
    "佐藤",
    "鈴木",
    "髙橋",
    "田中",
    "伊藤",
    "渡邊",
    "山﨑",
    "中村",
    "小林",
    "加藤",
    "吉田",
)
# Rare given names, so that no combination is likely to be a real person.
_GIVEN_NAMES = ("朋成", "敏成", "千弥", "典江", "雄作", "洋吾", "佐恵", "光帆", "晴乃", "義崇", "周吾", "小夜")


def build(
    machines: int, seed: int, first_day: date, days: int, assortment: Assortment, rows_per_file: int | None
) -> Fleet:
    """The fleet of one period.

    In every fifty machines the fourth is installed within the period, the fifth goes into maintenance and
    the sixth is removed, if the period is long enough. With `rows_per_file` every machine stands and sells
    on every day.
    """
    width = 3 if machines <= 999 else 4
    return Fleet(
        machines=tuple(
            _machine(number, f"VM{number:0{width}d}", seed, first_day, days, assortment, rows_per_file)
            for number in range(1, machines + 1)
        ),
        staff=tuple(
            employee
            for route in range(1, (machines - 1) // MACHINES_PER_ROUTE + 2)
            for employee in _route_staff(route, seed)
        ),
    )


def _machine(
    number: int,
    machine_id: str,
    seed: int,
    first_day: date,
    days: int,
    assortment: Assortment,
    rows_per_file: int | None,
) -> Machine:
    rng = np.random.default_rng([seed, number, 1])
    location_type = LOCATION_TYPES[(number - 1) % len(LOCATION_TYPES)]
    route = (number - 1) // MACHINES_PER_ROUTE + 1
    prefecture = _route_prefecture(route, seed)
    places = _EXTENDED_PLACES if number % 8 == 2 else _PLACES
    location_name = _SITES[location_type].format(
        place=places[int(rng.integers(len(places)))],
        circled=_CIRCLED[int(rng.integers(len(_CIRCLED)))],
        number=int(rng.integers(1, 6)),
    )
    daily_vends = _DAILY_VENDS[location_type] * float(rng.lognormal(0.0, 0.12))
    installed_on = first_day - timedelta(days=int(rng.integers(60, 2400)))
    removed_on: date | None = None
    status = "active"
    silent_from: int | None = None
    turn = number % MACHINES_PER_LIFECYCLE
    changes = days >= 4 and rows_per_file is None
    if changes and turn == 4:
        installed_on = first_day + timedelta(days=days // 4)
    elif changes and turn == 5:
        status, silent_from = "maintenance", days * 3 // 4
    elif changes and turn == 6:
        removed_on, status = first_day + timedelta(days=days * 2 // 3), "removed"
    first = max(0, (installed_on - first_day).days)
    last = days - 1 if removed_on is None else (removed_on - first_day).days
    opening_meter = 0 if first else int((first_day - installed_on).days * daily_vends * 141)
    return Machine(
        number=number,
        machine_id=machine_id,
        name=f"{location_name} {machine_id}号機",
        location_name=location_name,
        location_type=location_type,
        prefecture=prefecture,
        latitude=prefecture.latitude + float(rng.uniform(-0.04, 0.04)),
        longitude=prefecture.longitude + float(rng.uniform(-0.04, 0.04)),
        route_id=_route_id(route),
        installed_on=installed_on,
        removed_on=removed_on,
        status=status,
        commission_rate=f"{int(rng.integers(10, 26)) / 100:.4f}",
        daily_vends=daily_vends,
        opening_meter=opening_meter // 10 * 10,
        first=first,
        last=last,
        silent_from=silent_from,
        turns_cold=_month_day(3, 8, int(rng.integers(0, 48))),
        turns_hot=_month_day(10, 1, int(rng.integers(0, 30))),
        slots=_slots(rng, location_type, assortment),
        visits=_rounds(number, machine_id, seed, first_day, first, last, rows_per_file, bool(removed_on), route),
    )


def _month_day(month: int, day: int, later: int) -> tuple[int, int]:
    moment = date(2001, month, day) + timedelta(days=later)
    return moment.month, moment.day


def _slots(rng: np.random.Generator, location_type: str, assortment: Assortment) -> tuple[Slot, ...]:
    count = int(rng.integers(24, 31)) if location_type in ("park", "street") else int(rng.integers(28, 37))
    cold, hot = assortment.sellable("cold"), assortment.sellable("hot")
    cold_order, hot_order = rng.permutation(cold), rng.permutation(hot)
    slots = []
    for position in range(count):
        product = int(cold_order[position % len(cold)])
        hot_product: int | None = None
        if position % 3 == 2:
            hot_product = int(hot_order[position // 3 % len(hot)])
        shown = assortment.products[product]
        weight = shown.popularity * float(rng.lognormal(0.0, 0.3))
        capacity = int(rng.integers(14, 19)) + (10 if shown.popularity >= 1.2 else 0)
        slots.append(Slot(f"{position + 1:02d}", capacity, product, hot_product, weight))
    total = sum(slot.weight for slot in slots)
    return tuple(
        Slot(slot.slot_no, slot.capacity, slot.product, slot.hot_product, slot.weight / total) for slot in slots
    )


def _rounds(
    number: int,
    machine_id: str,
    seed: int,
    first_day: date,
    first: int,
    last: int,
    rows_per_file: int | None,
    is_removed: bool,
    route: int,
) -> tuple[Visit, ...]:
    """Visits every two to four days but never on a Sunday; a new machine is filled and a removed one emptied.

    Files of a forced size may sell more than a machine holds, so then it is visited as often as needed.
    """
    rng = np.random.default_rng([seed, number, 2])
    staff = [employee.staff_id for employee in _route_staff(route, seed)]
    busy = rows_per_file is not None and rows_per_file > 200
    per_day = 1 + (rows_per_file or 0) // 1500
    spread = 7.0 if per_day == 1 else 5.0 / per_day
    visits: list[Visit] = []

    def come(day: int, starts: int, nth: int, kind: str) -> None:
        stamp = (first_day + timedelta(days=day)).strftime("%Y%m%d")
        staff_id = staff[0] if rng.random() < 0.8 else staff[1]
        visits.append(Visit(f"V-{machine_id}-{stamp}-{nth}", staff_id, day * DAY_SECONDS + starts, kind))

    day = first if first else int(rng.integers(0, 3))
    if first:
        come(first, 7 * 3600, 1, "install")
        day = first + 2
    while day <= last - int(is_removed):
        if busy or (first_day + timedelta(days=day)).weekday() != 6:
            for nth in range(per_day):
                hour = 8.0 + 10.0 * nth / per_day + float(rng.uniform(0.0, spread))
                come(day, int(hour * 3600), nth + 1, "round")
            day += 1 if busy else int(rng.choice([2, 3, 3, 4]))
        else:
            day += 1
    if is_removed:
        come(last, 16 * 3600, 1, "removal")
    return tuple(visits)


def _route_id(route: int) -> str:
    return f"R{route:03d}"


def _route_prefecture(route: int, seed: int) -> Prefecture:
    offset = int(np.random.default_rng([seed, 0, 2]).integers(len(PREFECTURES)))
    return PREFECTURES[(offset + 5 * (route - 1)) % len(PREFECTURES)]


def _route_staff(route: int, seed: int) -> tuple[Employee, ...]:
    offset = int(np.random.default_rng([seed, 0, 3]).integers(len(_GIVEN_NAMES)))
    branch = f"{_route_prefecture(route, seed).city}支店"
    numbers = (2 * route - 1, 2 * route)
    return tuple(
        Employee(
            staff_id=f"S{number:04d}",
            name=(
                f"{_FAMILY_NAMES[(number - 1) % len(_FAMILY_NAMES)]} "
                f"{_GIVEN_NAMES[(offset + number + (number - 1) // len(_FAMILY_NAMES)) % len(_GIVEN_NAMES)]}"
            ),
            branch=branch,
            route_id=_route_id(route),
        )
        for number in numbers
    )
