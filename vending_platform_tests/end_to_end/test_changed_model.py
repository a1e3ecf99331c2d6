"""An edited model: what older code has built is built again, or postponed, and then it does not count as up to date."""

from pathlib import Path

import pytest

from vending_platform.transformation import Why
from vending_platform_tests.end_to_end.shop import DAYS, Shop, make_shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = make_shop(tmp_path)
    shop.deliver(*DAYS[:2])
    shop.transform()
    return shop


def test_a_changed_model_is_built_again_on_request(shop: Shop) -> None:
    assert [work.why for work in shop.plans[-1].todo] == [Why.NEW]
    shop.edit("models/facts.sql", lambda text: f"-- what was sold\n{text.replace(',', ' , ')}")
    assert shop.transform().windows == []
    assert shop.reminders() == []

    shop.edit("macros/times.sql", lambda text: text.replace("as bigint", "/ 4 as decimal(12, 2)"))
    shop.edit(
        "models/shop.yml", lambda text: text.replace("amount, data_type: bigint", 'amount, data_type: "decimal(12, 2)"')
    )
    shop.edit("dbt_project.yml", lambda text: text.replace("factor: 2", "factor: 3"))
    why = "changed code (declaration of facts, macro times, var factor): facts, "
    waiting = [f"{why}2 days (2024-03-04 to 2024-03-05), about 2 rows"]
    assert shop.reminders() == waiting
    shop.deliver(DAYS[2])
    postponing = shop.transform(skip_code_changes=True)
    assert [dict(window.built) for window, _ in postponing.windows] == [{"facts": [DAYS[2]], "apart": [DAYS[2]]}]
    assert list(map(str, postponing.plan.postponed)) == shop.reminders() == waiting
    assert list(map(float, shop.amounts())) == [10, 10, 3.75], "the new day as it is written now, and in its new type"

    done = shop.transform()
    assert list(map(str, shop.plans[-1].todo)) == waiting, "it was printed before it began"
    assert [dict(window.built) for window, _ in done.windows] == [{"facts": DAYS[:2]}]
    assert list(map(float, shop.amounts())) == [3.75] * 3
    assert shop.reminders() == []
    assert shop.transform().windows == []


def test_rows_that_a_changed_contract_reads_differently_are_built_again(shop: Shop) -> None:
    shop.raw_folder.deliver({"sold_20240307.csv": b'id,yen\n7,5\n8,"1,000"\n'})
    shop.raw_folder.ingest()
    shop.transform()
    assert shop.amounts() == [10, 10, 10], "the other row is rejected"
    shop.edit("models/shop.yml", lambda text: text.replace("key: [id]", 'key: [id], thousands_mark: ","'))
    shop.raw_folder.replay()
    assert {str(day) for day in shop.stale()} == {"2024-03-04", "2024-03-05", "2024-03-07"}, "all were read again"
    shop.transform()
    assert shop.amounts() == [10, 10, 10, 2000]
