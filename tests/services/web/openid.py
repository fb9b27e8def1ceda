"""A small OpenID Connect provider on loopback: it signs in whoever the browser's cookie `person` names."""

import base64
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "dlcore", "the client's secret"
KEY = RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256", "use": "sig"})


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """Start the provider; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.codes = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def secrets_toml(issuer: str, redirect_uri: str, *, secret: str = "") -> str:
    """Return the content of Streamlit's secrets.toml for this provider."""
    return "\n".join(
        [
            "[auth]",
            f'redirect_uri = "{redirect_uri}"',
            f'cookie_secret = "{secret or secrets.token_hex(32)}"',
            f'client_id = "{CLIENT_ID}"',
            f'client_secret = "{CLIENT_SECRET}"',
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"',
        ]
    )


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def do_GET(self):
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/.well-known/openid-configuration":
            self._send_json(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/jwks",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "code_challenge_methods_supported": ["S256"],
                }
            )
        elif address.path == "/jwks":
            self._send_json({"keys": [KEY.as_dict(private=False)]})
        elif address.path == "/authorize":
            person = SimpleCookie(self.headers.get("Cookie", ""))["person"].value
            code = secrets.token_urlsafe(16)
            self.server.codes[code] = (person, query["nonce"])
            self.send_response(302)
            self.send_header(
                "Location", query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})
            )
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self):
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        expected = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        code = body.get("code", [""])[0]
        if self.headers.get("Authorization") != expected or code not in self.server.codes:
            self.send_error(401)
            return
        person, nonce = self.server.codes.pop(code)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": person,
            "email": f"{person}@example.org",
            "email_verified": person != "unverified",
            "nonce": nonce,
            "iat": now,
            "exp": now + 600,
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)
        self._send_json({"access_token": "-", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def _send_json(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
