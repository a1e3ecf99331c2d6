"""The payment processor on this machine: its page of consent, its tokens, and what it says it settles, over real HTTP.

Refresh tokens are for one use. One that is used again within `grace` gets a successor once more, as careful processors
do for clients that lost an answer; later, or without grace, it counts as stolen and ends the whole consent. Time is
the processor's own, and passes when a test says so.
"""

import hashlib
import json
import secrets
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

CLIENT = "vending-platform"
SCOPE = "settlements.read"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Payment processor</title>
<link rel="icon" href="data:,">
<h1>Allow vending-platform to read your settlements?</h1>
<form method="post" action="/oauth/decide"><input type="hidden" name="request" value="{request}">
<button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button></form></html>"""


@dataclass
class Consent:
    scope: str
    is_revoked: bool = False
    reuse_detected: bool = False


@dataclass
class _Token:
    consent: Consent
    ends_at: float
    used_at: float | None = None


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of_json(content: Any, status: int = 200, **headers: str) -> "Reply":
        return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json", **headers})


@dataclass(frozen=True)
class Asked:
    """A request; `form` is what its body or its query has."""

    method: str
    path: str
    form: Mapping[str, str]
    headers: Mapping[str, str]


Fault = Callable[[Asked], "Reply | None"]
"""What is answered in the place of the processor; None: what the processor answers."""
DROPPED = Reply(0)
"""The request is carried out, and the connection breaks before anything of the answer is sent."""


@dataclass(repr=False)
class PaymentProcessor:
    """`issued` is every code and token that it ever gave out: none of them may be anywhere else."""

    access_seconds: float = 3600
    refresh_seconds: float = 90 * 86400
    grace: float = 0
    client_secret: str | None = None
    page_size: int = 50
    settlements: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """By day."""
    address: str = ""
    now: float = 0.0
    consents: list[Consent] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    fault: Fault = lambda _: None
    _pending: dict[str, dict[str, str]] = field(default_factory=dict)
    _codes: dict[str, tuple[dict[str, str], float]] = field(default_factory=dict)
    _access: dict[str, _Token] = field(default_factory=dict)
    _refresh: dict[str, _Token] = field(default_factory=dict)
    _alone: threading.RLock = field(default_factory=threading.RLock)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def revoke_everything(self) -> None:
        """As its customer does on the processor's own pages."""
        for consent in self.consents:
            consent.is_revoked = True

    def refreshes(self) -> int:
        return sum(one.path == "/oauth/token" and one.form.get("grant_type") == "refresh_token" for one in self.asked)

    def answer(self, asked: Asked) -> Reply:
        with self._alone:
            self.asked.append(asked)
            if (reply := self.fault(asked)) not in (None, DROPPED):
                assert reply is not None
                return reply
            done = self._answer(asked)
            return done if reply is None else DROPPED

    def _answer(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "GET", "/oauth/authorize":
                return self._show_consent(asked.form)
            case "POST", "/oauth/decide":
                return self._decide(asked.form)
            case "POST", "/oauth/token":
                return self._token(asked)
            case "POST", "/oauth/revoke":
                return self._revoke(asked)
            case "GET", "/v1/settlements":
                return self._settlements(asked)
        return Reply.of_json({"error": "not_found"}, 404)

    def _show_consent(self, query: Mapping[str, str]) -> Reply:
        needed = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256", "scope": SCOPE}
        if any(query.get(name) != value for name, value in needed.items()) or not query.get("code_challenge"):
            return Reply(400, b"This request can't be understood.")
        request = self._new("request")
        self._pending[request] = dict(query)
        return Reply(200, _PAGE.format(request=request).encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _decide(self, form: Mapping[str, str]) -> Reply:
        asked_for = self._pending.pop(form["request"])
        if form["answer"] != "allow":
            back = {"error": "access_denied", "state": asked_for["state"]}
        else:
            code = self._new("code")
            self._codes[code] = (asked_for, self.now + 60)
            back = {"code": code, "state": asked_for["state"]}
        return Reply(302, b"", {"Location": f"{asked_for['redirect_uri']}?{urlencode(back)}"})

    def _token(self, asked: Asked) -> Reply:
        if not self._is_client(asked):
            return Reply.of_json({"error": "invalid_client"}, 401)
        match asked.form.get("grant_type"):
            case "authorization_code":
                return self._exchange(asked.form)
            case "refresh_token":
                return self._rotate(asked.form)
        return Reply.of_json({"error": "unsupported_grant_type"}, 400)

    def _exchange(self, form: Mapping[str, str]) -> Reply:
        asked_for, ends_at = self._codes.pop(form["code"], ({}, 0.0))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        is_right = (
            self.now <= ends_at
            and form["redirect_uri"] == asked_for.get("redirect_uri")
            and urlsafe_b64encode(digest).decode().rstrip("=") == asked_for.get("code_challenge")
        )
        if not is_right:
            return Reply.of_json({"error": "invalid_grant"}, 400)
        consent = Consent(asked_for["scope"])
        self.consents.append(consent)
        return self._tokens(consent)

    def _rotate(self, form: Mapping[str, str]) -> Reply:
        token = self._refresh.get(form["refresh_token"])
        if token is None or token.consent.is_revoked or token.ends_at < self.now:
            return Reply.of_json({"error": "invalid_grant"}, 400)
        if token.used_at is not None and self.now >= token.used_at + self.grace:
            token.consent.is_revoked = token.consent.reuse_detected = True
            return Reply.of_json({"error": "invalid_grant"}, 400)
        token.used_at = self.now if token.used_at is None else token.used_at
        return self._tokens(token.consent)

    def _revoke(self, asked: Asked) -> Reply:
        if not self._is_client(asked):
            return Reply.of_json({"error": "invalid_client"}, 401)
        token = self._refresh.get(asked.form["token"]) or self._access.get(asked.form["token"])
        if token is not None:
            token.consent.is_revoked = True
        return Reply(200)

    def _settlements(self, asked: Asked) -> Reply:
        kind, _, sent = asked.headers.get("Authorization", "").partition(" ")
        token = self._access.get(sent)
        if kind != "Bearer" or token is None or token.consent.is_revoked or token.ends_at < self.now:
            return Reply.of_json({"error": "invalid_token"}, 401, **{"WWW-Authenticate": "Bearer"})
        first, last = asked.form.get("from", ""), asked.form.get("to", "")
        records = [line for day, lines in sorted(self.settlements.items()) if first <= day <= last for line in lines]
        start = int(asked.form.get("cursor") or 0)
        end = start + self.page_size
        following = str(end) if end < len(records) else None
        return Reply.of_json({"settlements": list(records[start:end]), "next_cursor": following})

    def _is_client(self, asked: Asked) -> bool:
        if self.client_secret is None:
            return asked.form.get("client_id") == CLIENT
        sent = asked.headers.get("Authorization", "").removeprefix("Basic ")
        name, _, secret = b64decode(sent).decode().partition(":")
        return (unquote(name), unquote(secret)) == (CLIENT, self.client_secret)

    def _tokens(self, consent: Consent) -> Reply:
        access, refresh = self._new("access"), self._new("refresh")
        self._access[access] = _Token(consent, self.now + self.access_seconds)
        self._refresh[refresh] = _Token(consent, self.now + self.refresh_seconds)
        content = {"token_type": "Bearer", "access_token": access, "refresh_token": refresh}
        return Reply.of_json({**content, "expires_in": self.access_seconds, "scope": consent.scope})

    def _new(self, kind: str) -> str:
        made = f"{kind}-canary-{secrets.token_hex(16)}"
        self.issued.append(made)
        return made


@contextmanager
def payment_processor(processor: PaymentProcessor | None = None) -> Iterator[PaymentProcessor]:
    """Served on a free port until the end."""
    played = processor or PaymentProcessor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(parse_qs(urlsplit(self.path).query))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self._answer(parse_qs(body))

        def _answer(self, form: Mapping[str, Sequence[str]]) -> None:
            path = urlsplit(self.path).path
            values = {name: values[0] for name, values in form.items()}
            reply = played.answer(Asked(self.command, path, values, dict(self.headers)))
            if reply is DROPPED:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """There is no log: a test reads the requests themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    played.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield played
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
