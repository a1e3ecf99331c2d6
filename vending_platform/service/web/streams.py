"""Server-sent events, as browsers read them."""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

KEEP_ALIVE = b": still here\n\n"


def sent_event(event_id: str, kind: str, data: Any) -> bytes:
    """One event; a line break in its data can't end it early, because JSON has none."""
    return f"id: {event_id}\nevent: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode(errors="replace")


def event_stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return StreamingResponse(events, headers=headers, media_type="text/event-stream")
