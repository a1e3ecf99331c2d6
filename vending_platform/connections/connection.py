"""One connection to a service: its access token, renewed when it has to be, and its end.

A refresh token that can be used once leaves one moment without a way back: the service has made the next token, and it
is not kept here yet. The next process tries at once with the token that is there, which services accept for a
while for just this reason; of one that does not, a person has to connect it again, and gets an alert.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import SecretStr

from vending_platform.aws import AwsError
from vending_platform.connections.model import ConsentEnd, Grant, NotConnected, TokenPair
from vending_platform.connections.provider import (
    REQUEST_SECONDS,
    Granted,
    GrantRefused,
    OAuthProvider,
    ProviderUnavailable,
)
from vending_platform.connections.store import GrantStore
from vending_platform.connections.turns import RenewalTurn, RenewalTurns, TurnEnd
from vending_platform.errors import PlatformError, Unavailable

_TRIES = 3
_PAUSE = 0.5
_WRITE_TRIES = 4

OnRenewal = Callable[[str], None]
"""Hears of each moment of a renewal that a process can be killed at: `taken`, `answered`, `kept`."""


class ConnectionBusy(Unavailable):
    """Other processes changed the connection each time; another attempt may succeed."""


@dataclass
class ServiceConnection:
    """`page` is where a person connects. Several threads may use one."""

    name: str
    provider: OAuthProvider
    store: GrantStore
    turns: RenewalTurns
    page: str
    on_point: OnRenewal = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _known: Grant | None = field(default=None, repr=False)
    _alone: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def state(self) -> Grant | None:
        """As it is kept; None if there never was a connection."""
        return self.store.read()

    def access_token(self, rejected: SecretStr | None = None) -> SecretStr:
        """One that is valid for now, and is not the one that the service has just rejected. NotConnected if a person
        has to connect the service first."""
        with self._alone:
            grant = self._known
            if grant is None or not self._is_usable(grant, rejected):
                grant = self._read()
            for number in range(1, _TRIES + 1):
                if self._is_usable(grant, rejected):
                    break
                grant = self._renewed(grant, is_last=number == _TRIES)
            if not self._is_usable(grant, rejected):
                raise ConnectionBusy(f"the tokens of {self.name} could not be renewed: try again later")
            self._known = grant
            return self._tokens_of(grant).access

    def connect(self, granted: Granted, who: str) -> None:
        """Keep what a person has just agreed to."""
        scopes = granted.scopes or self.provider.settings.scopes
        for _ in range(_TRIES):
            before = self.store.read()
            generation = (before.generation if before is not None else 0) + 1
            now = self.now()
            if self._keep_change(Grant(generation, now, who, scopes, _pair(granted, now))):
                return
        raise self._changed_by_others()

    def disconnect(self) -> bool:
        """Give the tokens back to the service, then forget them. Whether the service confirmed it."""
        was_revoked = False
        grant = self._read()
        for _ in range(_TRIES):
            if grant.tokens is not None:  # also those that another process has fetched meanwhile
                was_revoked = self.provider.revoke(grant.tokens.refresh or grant.tokens.access)
            if self._keep_change(grant.ending(ConsentEnd.DISCONNECTED, self.now())):
                return was_revoked
            grant = self.store.read() or grant
        raise self._changed_by_others()

    def _is_usable(self, grant: Grant, rejected: SecretStr | None) -> bool:
        tokens = self._tokens_of(grant)
        return tokens.access != rejected and tokens.is_fresh(self.now())

    def _read(self) -> Grant:
        grant = self.store.read()
        if grant is None:
            raise NotConnected(f"{self.name} is not connected yet: {self._how}")
        self._tokens_of(grant)
        return grant

    def _tokens_of(self, grant: Grant) -> TokenPair:
        if grant.tokens is None:
            raise NotConnected(f"{self.name} is no longer connected ({why_ended(grant)}): {self._how}")
        return grant.tokens

    @property
    def _how(self) -> str:
        return f"connect it at {self.page}, or by `vending connect {self.name}`"

    def _renewed(self, grant: Grant, *, is_last: bool) -> Grant:
        """What is kept after one try, of this process or of another one."""

        def is_over() -> bool:
            kept = self.store.read()
            return kept is not None and kept.generation != grant.generation

        try:
            with self.turns.turn(grant.generation, is_over) as turn:
                if turn is not None:
                    self.on_point("taken")
                    self._renew(grant, turn)
        except ProviderUnavailable as error:
            if is_last or not error.is_unsure:
                raise
            time.sleep(_PAUSE)  # then with the same token: the service may have made the next one, and expects this
        return self._read()

    def _renew(self, grant: Grant, turn: RenewalTurn) -> None:
        tokens = self._tokens_of(grant)
        if tokens.refresh is None:
            turn.end = TurnEnd.UNCHANGED
            self.store.keep(grant.ending(ConsentEnd.EXPIRED, self.now()))
            return
        turn.end = TurnEnd.UNCHANGED
        turn.ensure(REQUEST_SECONDS)
        turn.end = TurnEnd.UNSURE
        requested_at = self.now()
        try:
            granted = self.provider.refresh(tokens.refresh)
        except GrantRefused:
            why = ConsentEnd.LOST if turn.is_unsure else ConsentEnd.REVOKED
            self.store.keep(grant.ending(why, self.now()))
            turn.end = TurnEnd.DONE
            return
        except ProviderUnavailable as error:
            if not error.is_unsure:
                turn.end = TurnEnd.UNCHANGED
            raise
        except PlatformError:
            turn.end = TurnEnd.UNCHANGED
            raise
        self.on_point("answered")
        self._keep(grant.renewed(_pair(granted, requested_at), granted.scopes))
        turn.end = TurnEnd.DONE
        self.on_point("kept")

    def _keep(self, grant: Grant) -> None:
        """If another process has kept one of this generation, it is as good as this one."""
        for number in range(1, _WRITE_TRIES + 1):
            try:
                self.store.keep(grant)
                return
            except (AwsError, OSError):
                if number == _WRITE_TRIES:
                    raise
                time.sleep(_PAUSE * number)

    def _keep_change(self, grant: Grant) -> bool:
        is_kept = self.store.keep(grant)
        with self._alone:
            self._known = None
        return is_kept

    def _changed_by_others(self) -> ConnectionBusy:
        return ConnectionBusy(f"{self.name} was changed at the same time by another process: try again")


def _pair(granted: Granted, requested_at: datetime) -> TokenPair:
    ends = None if granted.lasts is None else requested_at + granted.lasts
    return TokenPair(granted.access, granted.refresh, requested_at, ends)


def why_ended(grant: Grant) -> str:
    """In words."""
    at = f" on {grant.ended_at:%Y-%m-%d %H:%M} UTC" if grant.ended_at is not None else ""
    match grant.ended:
        case ConsentEnd.LOST:
            return (
                f"the service refused the refresh token{at}, after an earlier answer with the next token may have been"
                " lost on the way"
            )
        case ConsentEnd.EXPIRED:
            return f"the access token ended{at}, and the service gave none to renew it with"
        case ConsentEnd.DISCONNECTED:
            return f"a person disconnected it{at}"
        case _:
            return f"the service refused the refresh token{at}: the consent was revoked, or has ended"
