/** What the deliveries' codes are called. */
import { say } from "../ui/language.ts";

export function placeOf(type: string | null): string {
  const words: Record<string, string> = {
    office: say("オフィス", "Office"),
    factory: say("工場", "Factory"),
    school: say("学校", "School"),
    station: say("駅", "Station"),
    hospital: say("病院", "Hospital"),
    park: say("公園", "Park"),
    street: say("街頭", "Street"),
  };
  return type === null ? "–" : (words[type] ?? type);
}

/** What becomes of a slot until the route comes by again. */
export function urgencyOf(urgency: string): string {
  const words: Record<string, string> = {
    tomorrow: say("明日まで", "by tomorrow"),
    empty: say("品切れ", "empty"),
    before_next_visit: say("次回訪問まで", "before next visit"),
    enough: say("足りる", "enough"),
    unknown: say("不明", "unknown"),
  };
  return words[urgency] ?? urgency;
}

/** What the ranking suggests to do with a product, as the mart writes it in English. */
export function actionOf(action: string): string {
  const words: Record<string, string> = {
    "take it out: nothing was sold": "販売なし：外す",
    "offer it at more machines": "設置台数を増やす",
    "keep it, and look at its price and its cost": "継続し、価格と原価を見直す",
    "keep it filled": "切らさない",
    "load less of it": "積む量を減らす",
    "look at its price and its cost": "価格と原価を見直す",
    "keep it": "継続",
    "take it out: less than half of what is loaded is sold": "外す：補充の半分も売れない",
    "replace it: it sells little and earns little": "入れ替える：売れず、利益も少ない",
    "try another product where it sells least": "売れない自販機で別の商品を試す",
  };
  return say(words[action] ?? action, action);
}

export function basisOf(basis: string): string {
  const words: Record<string, string> = {
    meter: say("メーター", "the meter"),
    meter_and_share: say("メーターと現金比率", "meter and cash share"),
    sales: say("販売データ", "the sales"),
    no_earlier_collection: say("前回の回収なし", "no earlier collection"),
    visit_unread: say("未着の訪問あり", "a visit is missing"),
    sales_incomplete: say("販売データ不足", "sales are missing"),
  };
  return words[basis] ?? basis;
}

export function removalOf(reason: string | null): string {
  const words: Record<string, string> = {
    expired: say("期限切れ", "expired"),
    damaged: say("破損", "damaged"),
    recall: say("回収", "recalled"),
    product_change: say("商品入替", "changed"),
  };
  return reason === null ? "–" : (words[reason] ?? reason);
}

export function paymentOf(type: string): string {
  const words: Record<string, string> = { cash: say("現金", "Cash"), e_money: say("電子マネー", "E-money"), qr: say("QR決済", "QR"), card: say("カード", "Card") };
  return words[type] ?? type;
}
