"""A connection's access token on each request of an HTTP client. Apart, because it imports the client."""

from collections.abc import Generator

import httpx2

from vending_platform.connections.connection import ServiceConnection


class ConnectionAuth(httpx2.Auth):
    """A token that the service rejects is renewed, once, and the request sent again."""

    def __init__(self, connection: ServiceConnection) -> None:
        self._connection = connection

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        token = self._connection.access_token()
        request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            token = self._connection.access_token(rejected=token)
            request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"
            yield request
