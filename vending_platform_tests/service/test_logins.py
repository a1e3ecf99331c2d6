"""Who gets in, for what, and who does not: keys, sessions, tokens."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from jwt.algorithms import RSAAlgorithm
from pydantic import SecretStr
from starlette.testclient import TestClient

from vending_platform.environment import ServiceSettings, SettingsError
from vending_platform.errors import ConfigurationError
from vending_platform.opening import Platform
from vending_platform.service.login import Access, access_to
from vending_platform.service.pipeline.application import create_app
from vending_platform.service.web import ALL_PERMISSIONS, Permission, RequestLimits, WebSettings
from vending_platform.service.web.api_keys import KeyRing, new_key, new_session_key, read_key_ring, record_of
from vending_platform.service.web.key_login import CSRF_HEADER, SESSION_COOKIE, ApiKeys, KeyUse
from vending_platform.service.web.token_login import IssuerKeys, IssuerUnavailable, TokenIssuer, Tokens, groups_of
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.service.conftest import GENEROUS
from vending_platform_tests.service.dagster_here import DagsterHere

SITE = "https://data.example.com"
HOST = "data.example.com"
ISSUER, AUDIENCE = "https://login.example.com", "vending-service"
READS = ["/api/pipeline/status", "/api/pipeline/runs", "/api/pipeline/latest", "/api/quality", "/api/me", "/metrics"]
EXPORT = "/api/pipeline/export"


@dataclass
class Keys:
    """A clock, a ring of keys, and what each holder has."""

    now: datetime = datetime(2024, 3, 7, tzinfo=UTC)
    session_key: str = field(default_factory=new_session_key)
    records: list[Any] = field(default_factory=list)

    def give(self, holder: str, *permissions: Permission, domain: str = "vending", days: int = 90) -> str:
        ends = self.now + timedelta(days=days)
        key, record = new_key(holder, frozenset(permissions), domain, "staging", ends)
        self.records.append(record)
        return key

    async def ring(self) -> KeyRing:
        return KeyRing(keys=tuple(self.records), session_key=SecretStr(self.session_key))


@dataclass
class Issuer(httpx2.AsyncBaseTransport):
    """An identity provider with its keys."""

    private: dict[str, Any] = field(
        default_factory=lambda: {"k1": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
    )
    asked: int = 0
    is_up: bool = True
    now: float = 0.0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not self.is_up:
            raise httpx2.ConnectError("refused")
        if request.url.path.endswith("openid-configuration"):
            return httpx2.Response(200, json={"jwks_uri": f"{ISSUER}/keys"}, request=request)
        self.asked += 1
        keys = [
            json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "RS256", "use": "sig"}
            for kid, key in self.private.items()
        ]
        return httpx2.Response(200, json={"keys": keys}, request=request)

    def token(self, kid: str = "k1", algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
        now = datetime.now(UTC)
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "person-1",
            "iat": now,
            "exp": now + timedelta(minutes=5),
            "groups": ["vending-operators"],
        }
        content = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(content, key or self.private["k1"], algorithm, {"kid": kid})


@pytest.fixture(scope="module")
def rsa_key() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def issuer(rsa_key: Any) -> Issuer:
    return Issuer({"k1": rsa_key})


@pytest.fixture
def app(platform: Platform, dagster: DagsterHere, keys: Keys, issuer: Issuer) -> FastAPI:
    by_key = ApiKeys(keys.ring, KeyUse("vending", "staging"), now=lambda: keys.now)
    groups = TokenIssuer(ISSUER, AUDIENCE, groups_of("vending"))
    by_token = Tokens(groups, IssuerKeys(ISSUER, transport=issuer, now=lambda: issuer.now))
    settings = WebSettings([by_key, by_token], hosts={HOST}, is_encrypted=True, limits=GENEROUS)
    return create_app(platform, Access(settings, by_key), dagster.api())


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, SITE, raise_server_exceptions=False) as client:
        yield client


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}, bearer("x")])
def test_nobody_gets_in_without_a_login(client: TestClient, path: str, sent: dict[str, str]) -> None:
    answer = client.get(path, headers=sent)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:problem:unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_every_endpoint_needs_a_login_but_those_that_show_nothing(client: TestClient, app: FastAPI) -> None:
    from vending_platform.service.web import openapi_of

    open_ones = set()
    for path, methods in openapi_of(app)["paths"].items():
        for method in methods:
            address = path.format(
                run_id="00000000-0000-4000-8000-000000000000", name="a", file="a.csv", table="a", column="a"
            )
            if client.request(method, address, json={}, params={"where": "a=1"}).status_code != 401:
                open_ones.add(path)
    assert open_ones == {"/healthz", "/readyz"}


PERMISSIONS = (Permission.READ, Permission.RUN, Permission.DOWNLOAD, Permission.CONNECT)


def test_a_key_may_do_what_it_is_for_and_nothing_else(client: TestClient, keys: Keys, dagster: DagsterHere) -> None:
    reader, runner, fetcher, connector = (
        bearer(keys.give(name, permission))
        for name, permission in zip(("planning", "buying", "finance", "operating"), PERMISSIONS, strict=True)
    )
    file = "/api/exports/sales_by_day/files/none.parquet"
    assert client.get("/api/pipeline/status", headers=reader).status_code == 200
    assert client.post(EXPORT, json={}, headers=runner).status_code == 202
    assert client.get(file, headers=fetcher).status_code == 404
    assert client.post("/api/connections/payments/consent", headers=connector).status_code == 200
    for answer in (
        client.post("/api/connections/payments/consent", headers=runner),
        client.delete("/api/connections/payments", headers=reader),
        client.get("/api/connections", headers=connector),
        client.post(EXPORT, json={}, headers=reader),
        client.post(EXPORT, json={}, headers=fetcher),
        client.get("/api/pipeline/status", headers=runner),
        client.get(file, headers=reader),
    ):
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:missing-permission")
    assert [run.tags["vending/started_by"] for run in dagster.runs()] == ["buying"]


def test_a_key_that_is_wrong_in_one_letter_is_nobodys(client: TestClient, keys: Keys) -> None:
    key = keys.give("planning", Permission.READ)
    wrong = [key[:-2] + ("A" if key[-2] != "A" else "B") + key[-1], key[:-1], key + "A", f"vpk_{'0' * 12}"]
    for text in wrong:
        answer = client.get("/api/me", headers=bearer(text))
        assert (answer.status_code, answer.json()["detail"].startswith("the API key is not valid")) == (401, True)
        assert key[20:] not in answer.text


def test_a_key_ends_and_says_so(client: TestClient, keys: Keys) -> None:
    key = keys.give("planning", Permission.READ, days=1)
    assert client.get("/api/me", headers=bearer(key)).status_code == 200
    keys.now += timedelta(days=1)
    answer = client.get("/api/me", headers=bearer(key))
    assert (answer.status_code, "ended on 2024-03-08" in answer.json()["detail"]) == (401, True)


def test_a_key_of_another_domain_is_refused(client: TestClient, keys: Keys) -> None:
    answer = client.get("/api/me", headers=bearer(keys.give("planning", Permission.READ, domain="libraries")))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:other-domain")


def test_a_key_is_rotated_and_revoked(client: TestClient, app: FastAPI, keys: Keys) -> None:
    old, new = keys.give("planning", Permission.READ), keys.give("planning", Permission.READ)
    assert {client.get("/api/me", headers=bearer(key)).json()["name"] for key in (old, new)} == {"planning"}
    keys.records[0] = keys.records[0].model_copy(update={"revoked": True})
    ring = app.state.doorkeeper._logins[0]._ring
    ring._now = lambda: 1e9  # more than a minute later
    assert client.get("/api/me", headers=bearer(old)).status_code == 401
    assert client.get("/api/me", headers=bearer(new)).status_code == 200


def test_only_what_is_derived_from_a_key_is_kept() -> None:
    keys = Keys()
    key = keys.give("planning", Permission.READ)
    ring = asyncio.run(keys.ring())
    assert record_of(key, ring) == keys.records[0]
    assert key.split("_")[2] not in ring.model_dump_json()
    assert keys.session_key not in repr(ring) + ring.model_dump_json()
    assert keys.give("planning", Permission.READ) != key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"keys": [{"id": "a", "hash": "canary-canary"}], "session_key": "canary-canary"}',
        '["canary-canary"]',
    ],
)
def test_a_secret_that_holds_no_keys_is_named_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the secret s does not hold API keys as docs/api\.md") as caught:
        read_key_ring(SecretStr(text), "the secret s")
    assert "canary" not in str(caught.value)


def test_a_session_begins_with_a_key_and_is_this_browsers_alone(client: TestClient, keys: Keys) -> None:
    began = client.post("/api/session", headers=bearer(keys.give("planning", *ALL_PERMISSIONS)))
    assert (began.status_code, began.json()["login"]) == (201, "session")
    cookie = began.headers["set-cookie"]
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=36000"):
        assert part in cookie
    assert cookie.startswith("__Host-")
    assert client.get("/api/me").json()["csrf_token"] == began.json()["csrf_token"]


def test_a_change_from_a_session_needs_its_token(client: TestClient, keys: Keys, dagster: DagsterHere) -> None:
    token = client.post("/api/session", headers=bearer(keys.give("planning", *ALL_PERMISSIONS))).json()["csrf_token"]
    for sent in ({}, {CSRF_HEADER: "x"}, {CSRF_HEADER: ""}, {CSRF_HEADER: token[:-1]}):
        answer = client.post(EXPORT, json={}, headers=sent)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:csrf")
    assert dagster.runs() == []
    assert client.post(EXPORT, json={}, headers={CSRF_HEADER: token}).status_code == 202
    foreign = client.post(EXPORT, json={}, headers={CSRF_HEADER: token, "Origin": "https://evil.example.com"})
    assert foreign.status_code == 403


def test_the_token_of_another_session_is_of_no_use(client: TestClient, app: FastAPI, keys: Keys) -> None:
    key = bearer(keys.give("planning", *ALL_PERMISSIONS))
    with TestClient(app, SITE) as other:
        theirs = other.post("/api/session", headers=key).json()["csrf_token"]
    client.post("/api/session", headers=key)
    assert client.post(EXPORT, json={}, headers={CSRF_HEADER: theirs}).status_code == 403


def test_a_session_can_not_be_made_up_or_changed(client: TestClient, keys: Keys) -> None:
    began = client.post("/api/session", headers=bearer(keys.give("planning", Permission.READ)))
    cookie = began.cookies[SESSION_COOKIE]
    client.cookies.clear()
    for text in ("", ".", "a.b", cookie[:-1], "x" + cookie, cookie.replace(".", "", 1), f"{cookie}.{cookie}"):
        answer = client.get("/api/me", headers={"Cookie": f"{SESSION_COOKIE}={text}"})
        assert answer.status_code == 401, text
    assert client.get("/api/me", headers={"Cookie": f"{SESSION_COOKIE}={cookie}"}).status_code == 200


def test_a_session_ends_with_its_time_its_key_or_the_wish_of_its_holder(client: TestClient, keys: Keys) -> None:
    key = keys.give("planning", Permission.READ, days=1)
    token = client.post("/api/session", headers=bearer(key)).json()["csrf_token"]
    ended = client.delete("/api/session", headers={CSRF_HEADER: token})
    assert (ended.status_code, client.get("/api/me").status_code) == (204, 401)
    client.post("/api/session", headers=bearer(key))
    keys.now += timedelta(hours=11)
    assert client.get("/api/me").status_code == 401
    assert client.post("/api/session", headers=bearer(key)).status_code == 201
    keys.now += timedelta(hours=13)
    assert client.get("/api/me").status_code == 401, "its key has ended"


def test_a_session_begins_no_session(client: TestClient, keys: Keys, issuer: Issuer) -> None:
    token = client.post("/api/session", headers=bearer(keys.give("planning", Permission.READ))).json()["csrf_token"]
    assert client.post("/api/session", headers={CSRF_HEADER: token}).status_code == 403
    client.cookies.clear()
    assert client.post("/api/session", headers=bearer(issuer.token())).status_code == 403


def test_a_token_of_the_issuer_lets_in_by_its_groups(client: TestClient, issuer: Issuer) -> None:
    operator = client.get("/api/me", headers=bearer(issuer.token())).json()
    assert (operator["login"], operator["permissions"]) == ("token", ["connect", "download", "read", "run"])
    viewer = client.get("/api/me", headers=bearer(issuer.token(groups=["vending-viewers", "others"]))).json()
    assert viewer["permissions"] == ["download", "read"]
    for groups in ([], ["libraries-operators"], "vending-operators", None, [1]):
        answer = client.get("/api/me", headers=bearer(issuer.token(groups=groups)))
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:not-a-member")
    assert issuer.asked == 1, "keys are fetched once"


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": LONG_AGO},
        {"iss": "https://evil.example.com"},
        {"aud": "another-service"},
        {"nbf": datetime(2100, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"iss": None},
        {"aud": None},
        {"sub": None},
        {"iat": None},
        {"kid": "unknown"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_service_now_is_refused(
    client: TestClient, issuer: Issuer, claims: dict[str, Any]
) -> None:
    answer = client.get("/api/me", headers=bearer(issuer.token(**claims)))
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:problem:unauthorized")


def test_a_token_that_somebody_else_signed_is_refused(client: TestClient, issuer: Issuer) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    unsigned = jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": "a"}, "", "none", {"kid": "k1"})
    by_secret = issuer.token(algorithm="HS256", key="a secret that everyone knows, thirty-two bytes")
    signed = issuer.token()
    for text in (
        issuer.token(key=other),
        unsigned,
        by_secret,
        signed[:-4] + "AAAA",
        "a.b.c",
        "..",
        f"{signed}{'x' * 9000}",
    ):
        assert client.get("/api/me", headers=bearer(text)).status_code == 401


def test_the_issuers_keys_change_and_made_up_names_cost_it_nothing(client: TestClient, issuer: Issuer) -> None:
    assert client.get("/api/me", headers=bearer(issuer.token())).status_code == 200
    for number in range(5):
        assert client.get("/api/me", headers=bearer(issuer.token(kid=f"k{number + 7}"))).status_code == 401
    assert issuer.asked == 1
    issuer.private["k2"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer.now += 61
    token = issuer.token(kid="k2", key=issuer.private["k2"])
    assert client.get("/api/me", headers=bearer(token)).status_code == 200
    assert issuer.asked == 2


def test_without_the_issuer_nobody_is_let_in_by_guess(client: TestClient, issuer: Issuer) -> None:
    issuer.is_up = False
    answer = client.get("/api/me", headers=bearer(issuer.token()))
    assert answer.status_code == 503
    assert issubclass(IssuerUnavailable, Exception)


def test_an_issuer_without_encryption_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is not encrypted"):
        IssuerKeys("http://login.example.com")


def test_no_log_has_a_secret_in_it(
    client: TestClient, keys: Keys, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key, token = keys.give("planning", *ALL_PERMISSIONS), issuer.token()
    began = client.post("/api/session", headers=bearer(key))
    cookie, csrf = began.cookies[SESSION_COOKIE], began.json()["csrf_token"]
    client.post(EXPORT, json={"exports": [key]}, headers={CSRF_HEADER: csrf})
    client.cookies.clear()
    client.get("/api/me", headers=bearer(token))
    client.get("/api/me", headers=bearer(key[:-1]))
    client.get(f"/{key}", headers=bearer(key))
    client.get(f"/api/exports/{key}?key={key}", headers=bearer(key))
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "httpx2")  # the test's own
    assert "POST /api/session 201" in logged
    for secret in (key.split("_")[2], token, token.split(".")[2], cookie, csrf, keys.session_key):
        assert secret not in logged


def test_a_flood_of_wrong_keys_is_slowed_down(platform: Platform, dagster: DagsterHere, keys: Keys) -> None:
    by_key = ApiKeys(keys.ring, KeyUse("vending", "staging"), now=lambda: keys.now)
    few = RequestLimits(per_second=0.001, burst=5)
    app = create_app(platform, Access(WebSettings([by_key], hosts={HOST}, limits=few), by_key), dagster.api())
    with TestClient(app, SITE) as client:
        statuses = {client.get("/api/me", headers=bearer("vpk_x")).status_code for _ in range(10)}
    assert statuses == {401, 429}


def test_the_environment_says_who_gets_in(aws: EmulatedAws, keys: Keys) -> None:
    aws.reset()
    key = keys.give("planning", Permission.READ, days=10_000)
    content = {"keys": [record.model_dump(mode="json") for record in keys.records], "session_key": keys.session_key}
    aws.client("secretsmanager").create_secret(Name="vending/staging/api-keys", SecretString=json.dumps(content))
    with pytest.raises(SettingsError, match="set VENDING_SERVICE_HOST"):
        access_to(aws.environment())
    service = ServiceSettings(host=HOST, token_issuer=ISSUER, token_audience=AUDIENCE)
    access = access_to(replace(aws.environment(), service=service))
    assert HOST in access.settings.hosts
    assert access.settings.is_encrypted
    assert [type(login) for login in access.settings.logins] == [ApiKeys, Tokens]
    assert access.keys is not None
    assert record_of(key, asyncio.run(access.keys._ring.get())) == keys.records[0]
