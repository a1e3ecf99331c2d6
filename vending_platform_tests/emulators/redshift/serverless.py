"""What the API of Redshift Serverless says about a workgroup: where it listens, and a login for an hour."""

import time
from typing import Any

from vending_platform_tests.emulators.redshift.data_api import ApiError
from vending_platform_tests.emulators.redshift.server import ADMINISTRATOR, PASSWORD


def answer(operation: str, request: dict[str, Any], workgroups: set[str], port: int) -> dict[str, Any]:
    name = request["workgroupName"]
    if name not in workgroups:
        raise ApiError("ResourceNotFoundException", f"Workgroup {name} doesn't exist.")
    match operation:
        case "GetWorkgroup":
            endpoint = {"address": "127.0.0.1", "port": port}
            return {"workgroup": {"workgroupName": name, "status": "AVAILABLE", "endpoint": endpoint}}
        case "GetCredentials":
            return {"dbUser": ADMINISTRATOR, "dbPassword": PASSWORD, "expiration": time.time() + 3600}
    raise ApiError("ValidationException", f"the emulator does not know {operation}")
