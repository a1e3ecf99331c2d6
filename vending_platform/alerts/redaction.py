"""Text that may go anywhere: on one line, without secrets, and in letters that everybody can take."""

import re

_LINE = 1_000
_SECRETS = re.compile(
    r"https://hooks\.slack\.com/\S+"  # anyone who knows it can post
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"  # user and password in an address
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|(?<=[?&])(?:X-Amz-Signature|X-Amz-Security-Token)=[^&\s]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\b(?:password|passwd|secret|token|api_?key)['\"]?\s*[=:]\s*(?:'[^']*'|\"[^\"]*\"|[^\s,;}]+)",
    re.IGNORECASE | re.DOTALL,
)


def without_secrets(text: str) -> str:
    """A library's message about a failure may hold what it failed with."""
    return _SECRETS.sub("***", text)


def one_line(text: str) -> str:
    """A file's name may hold anything, also what is no letter; a message with it in it would be refused for ever."""
    words = " ".join(without_secrets(text).split())
    plain = "".join(letter if letter.isprintable() else "?" for letter in words)
    return plain if len(plain) <= _LINE else plain[: _LINE - 2] + " …"
