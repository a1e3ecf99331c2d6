"""The page on which people connect services, and its API: what is connected, since when, what it may do."""

from vending_platform.service.connections.endpoints import connection_endpoints

__all__ = ["connection_endpoints"]
