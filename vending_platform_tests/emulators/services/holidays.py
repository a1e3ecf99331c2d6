"""Japan's holidays as the Cabinet Office publishes them: all of them in one CSV, in Shift_JIS, days as 2024/1/8."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from vending_platform_tests.emulators.services.server import Reply, Request

PATH = "/chosei/shukujitsu/syukujitsu.csv"
_HEADER = "国民の祝日・休日月日,国民の祝日・休日名称"
_PUBLISHED = {
    2023: """1/1 元日, 1/2 休日, 1/9 成人の日, 2/11 建国記念の日, 2/23 天皇誕生日, 3/21 春分の日, 4/29 昭和の日,
        5/3 憲法記念日, 5/4 みどりの日, 5/5 こどもの日, 7/17 海の日, 8/11 山の日, 9/18 敬老の日, 9/23 秋分の日,
        10/9 スポーツの日, 11/3 文化の日, 11/23 勤労感謝の日""",
    2024: """1/1 元日, 1/8 成人の日, 2/11 建国記念の日, 2/12 休日, 2/23 天皇誕生日, 3/20 春分の日, 4/29 昭和の日,
        5/3 憲法記念日, 5/4 みどりの日, 5/5 こどもの日, 5/6 休日, 7/15 海の日, 8/11 山の日, 8/12 休日, 9/16 敬老の日,
        9/22 秋分の日, 9/23 休日, 10/14 スポーツの日, 11/3 文化の日, 11/4 休日, 11/23 勤労感謝の日""",
    2025: """1/1 元日, 1/13 成人の日, 2/11 建国記念の日, 2/23 天皇誕生日, 2/24 休日, 3/20 春分の日, 4/29 昭和の日,
        5/3 憲法記念日, 5/4 みどりの日, 5/5 こどもの日, 5/6 休日, 7/21 海の日, 8/11 山の日, 9/15 敬老の日,
        9/23 秋分の日, 10/13 スポーツの日, 11/3 文化の日, 11/23 勤労感謝の日, 11/24 休日""",
}
"""Written down day by day: no rule finds them here."""


def published() -> dict[date, str]:
    """The holidays of some years."""
    found = {}
    for year, days in _PUBLISHED.items():
        for one in days.split(","):
            day, name = one.split()
            month, _, of_month = day.partition("/")
            found[date(year, int(month), int(of_month))] = name
    return found


@dataclass
class HolidayService:
    """`holidays` may be changed, as a law does."""

    holidays: Mapping[date, str] = field(default_factory=published)

    def __call__(self, request: Request) -> Reply:
        if request.path != PATH:
            return Reply(b"<html>404</html>", 404, {"content-type": "text/html"})
        lines = [_HEADER, *(f"{day.year}/{day.month}/{day.day},{name}" for day, name in sorted(self.holidays.items()))]
        return Reply("".join(f"{line}\r\n" for line in lines).encode("cp932"), headers={"content-type": "text/csv"})
