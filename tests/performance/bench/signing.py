"""Signature Version 4 in its header form, for requests that are prepared before the clock starts.

Knows the algorithm (AWS, "Authenticating Requests: Using the Authorization Header") and nothing of the server.
The project's own verifier is not used here on purpose: a benchmark must not share its mistakes.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
SIGNED_HEADERS = "host;x-amz-content-sha256;x-amz-date"


def quote_path(bucket: str, key: str = "") -> str:
    return f"/{bucket}/{quote(key, safe='/~')}" if key else f"/{bucket}"


def quote_query(parameters: dict[str, str]) -> str:
    """Sorted and encoded as the canonical request wants it, so it can be sent as it is."""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(parameters.items()))


@dataclass(slots=True)
class Signer:
    access_key: str
    secret_key: str = field(repr=False)
    region: str
    _day: str = ""
    _signing_key: bytes = field(default=b"", repr=False)

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = hmac.digest(b"AWS4" + self.secret_key.encode(), day.encode(), "sha256")
            for scope in (self.region, "s3", "aws4_request"):
                key = hmac.digest(key, scope.encode(), "sha256")
            self._day, self._signing_key = day, key
        return self._signing_key

    def headers(self, method: str, path: str, query: str, host: str, body_sha256: str) -> list[tuple[str, str]]:
        """The headers to send, host included. `path` and `query` are encoded already."""
        now = datetime.now(UTC)
        time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        canonical = (
            f"{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{body_sha256}\nx-amz-date:{time}\n\n"
            f"{SIGNED_HEADERS}\n{body_sha256}"
        )
        scope = f"{day}/{self.region}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(day), to_sign.encode(), "sha256").hex()
        return [
            ("Host", host),
            ("X-Amz-Date", time),
            ("X-Amz-Content-Sha256", body_sha256),
            (
                "Authorization",
                f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={SIGNED_HEADERS}, "
                f"Signature={signature}",
            ),
        ]
