"""The made-up world that hospitals treat in: diagnosis groups, procedures, hospitals. Nothing of it is real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DiagnosisGroup:
    code: str
    name: str
    days: tuple[int, int, int]
    """The last days of periods I, II and III."""
    points: tuple[int, int, int]
    """Of a day in each of them; beyond them nothing is charged under the group."""
    weight: int
    """How often it is treated."""
    procedures: tuple[str, ...]

    def points_of_day(self, number: int) -> int:
        for last, points in zip(self.days, self.points, strict=True):
            if number <= last:
                return points
        return 0


@dataclass(frozen=True)
class Procedure:
    code: str
    name: str
    category: str
    kind: str
    """Which part of the bill it is charged in."""
    points: int


@dataclass(frozen=True)
class Hospital:
    code: str
    name: str
    prefecture: str
    beds: int


PROCEDURES = {
    one.code: one
    for one in (
        Procedure("160008010", "末梢血液一般検査", "検査", "60", 21),
        Procedure("160019410", "CRP", "検査", "60", 16),
        Procedure("170011810", "CT撮影", "画像診断", "70", 1000),
        Procedure("170015210", "MRI撮影", "画像診断", "70", 1330),
        Procedure("620000033", "セフトリアキソン1g", "注射薬", "33", 42),
        Procedure("620002210", "生理食塩液500mL", "注射薬", "33", 19),
        Procedure("150253010", "白内障手術", "手術", "50", 12100),
        Procedure("150314910", "大腿骨頸部骨折手術", "手術", "50", 20000),
        Procedure("150268010", "腹腔鏡下胆嚢摘出術", "手術", "50", 21500),
        Procedure("180027710", "リハビリテーション①", "リハビリ", "80", 180),
        Procedure("140003610", "酸素吸入", "処置", "40", 65),
    )
}
_TESTS = ("160008010", "160019410")
GROUPS = {
    one.code: one
    for one in (
        DiagnosisGroup(
            "040080x099x0xx",
            "肺炎等",
            (6, 13, 30),
            (2700, 2000, 1700),
            9,
            (*_TESTS, "170011810", "620000033", "140003610"),
        ),
        DiagnosisGroup(
            "010060x099000x",
            "脳梗塞",
            (8, 17, 60),
            (3000, 2200, 1850),
            7,
            (*_TESTS, "170015210", "620002210", "180027710"),
        ),
        DiagnosisGroup("020110xx97xxx0", "白内障、水晶体の疾患", (1, 2, 30), (2600, 2300, 1900), 8, ("150253010",)),
        DiagnosisGroup(
            "160800xx01xxxx",
            "股関節・大腿近位の骨折",
            (11, 25, 60),
            (2400, 1900, 1600),
            4,
            (*_TESTS, "150314910", "180027710", "620002210"),
        ),
        DiagnosisGroup(
            "060335xx02000x", "胆嚢炎等", (3, 6, 30), (2700, 2100, 1750), 4, (*_TESTS, "170011810", "150268010")
        ),
        DiagnosisGroup(
            "050130xx9900x0", "心不全", (8, 16, 60), (2900, 2100, 1800), 5, (*_TESTS, "140003610", "620002210")
        ),
        DiagnosisGroup(
            "110310xx99xxxx", "腎臓又は尿路の感染症", (4, 10, 30), (2500, 1900, 1650), 3, (*_TESTS, "620000033")
        ),
    )
}
_PLACES = ("北海道", "宮城県", "東京都", "神奈川県", "愛知県", "大阪府", "広島県", "福岡県")


def hospitals(count: int) -> list[Hospital]:
    return [
        Hospital(
            f"{(number % 9 + 1)}{number:04d}{number % 9 + 1:04d}",
            f"第{number}模擬病院",
            _PLACES[number % len(_PLACES)],
            100 + 50 * (number % 9),
        )
        for number in range(1, count + 1)
    ]


def reference_files(of: list[Hospital], first: date) -> Iterator[tuple[str, bytes]]:
    """The tables that the operator keeps, by path."""
    yield (
        "reference/facilities.csv",
        _csv(
            "facility_code,facility_name,prefecture,beds,delivers_from,delivers_until",
            [f"{one.code},{one.name},{one.prefecture},{one.beds},{first}," for one in of],
        ),
    )
    yield (
        "reference/diagnosis_groups.csv",
        _csv(
            "diagnosis_group,diagnosis_group_name,period_1_days,period_2_days,period_3_days,"
            "period_1_points,period_2_points,period_3_points",
            [",".join(map(str, (one.code, one.name, *one.days, *one.points))) for one in GROUPS.values()],
        ),
    )
    yield (
        "reference/procedure_codes.csv",
        _csv(
            "procedure_code,procedure_name,procedure_category",
            [f"{one.code},{one.name},{one.category}" for one in PROCEDURES.values()],
        ),
    )


def _csv(header: str, rows: list[str]) -> bytes:
    return ("\n".join([header, *rows]) + "\n").encode()
