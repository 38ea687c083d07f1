"""Tokens of four libraries, signed with real keys, and how a service verifies them with each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from typing import TYPE_CHECKING, Any

import jose.jwt
import joserfc.errors
import joserfc.jwt
import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc.jwk import OctKey, RSAKey

with warnings.catch_warnings(record=True):  # this part of it is deprecated
    from authlib.jose import JsonWebToken, JWTClaims, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ERRORS", "KEYS", "LIBRARIES", "PRIVATE", "PUBLIC", "JWTClaims", "JsonWebToken", "authlib", "authlib_decoded", "token"]

ERRORS = (jwt.PyJWTError, jose.JOSEError, errors.JoseError, joserfc.errors.JoseError, ValueError)
"""What a token that is refused raises, by the libraries."""

SECRET = "a secret of the service's that is long enough for every algorithm here, by far"
_PRIVATE = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
PRIVATE = _PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = _PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
KEYS = {"HS256": (SECRET, SECRET), "RS256": (PRIVATE, PUBLIC)}
"""By algorithm, what a token is signed with and what it is verified with."""


def token(claims: Mapping[str, Any], algorithm: str = "HS256", *, secret: str = "") -> str:
    """Sign claims with the service's key, or a secret of somebody else's."""
    text = ".".join([encoded(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()), encoded(json.dumps(claims).encode())])
    if algorithm == "none":
        return f"{text}."
    if algorithm == "RS256":
        return f"{text}.{encoded(_PRIVATE.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
    return f"{text}.{encoded(hmac.digest((secret or SECRET).encode(), text.encode(), hashlib.sha256))}"


def encoded(raw: bytes) -> str:
    """Write bytes as tokens do."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def pyjwt(text: str, algorithm: str = "HS256", **options: Any) -> Any:
    return jwt.decode(text, KEYS[algorithm][1], algorithms=[algorithm], **options)


def pyjwt_whole(text: str, algorithm: str = "HS256", **options: Any) -> Any:
    if not hasattr(jwt, "decode_complete"):  # before 2.1
        return pyjwt(text, algorithm, **options)
    return jwt.decode_complete(text, KEYS[algorithm][1], algorithms=[algorithm], **options)["payload"]


def python_jose(text: str, algorithm: str = "HS256", **options: Any) -> Any:
    return jose.jwt.decode(text, KEYS[algorithm][1], algorithms=[algorithm], **options)


def authlib(text: str, algorithm: str = "HS256", **options: Any) -> Any:
    claims = authlib_decoded(text, algorithm, **options)
    claims.validate()
    return claims


def authlib_decoded(text: str, algorithm: str = "HS256", **options: Any) -> Any:
    return JsonWebToken([algorithm]).decode(text, KEYS.get(algorithm, ("", ""))[1], **options)


def joserfc_(text: str, algorithm: str = "HS256", **options: Any) -> Any:
    key: Any = RSAKey.import_key(PUBLIC) if algorithm == "RS256" else OctKey.import_key(SECRET)
    return joserfc.jwt.decode(text, key, algorithms=[algorithm], **options).claims


LIBRARIES: dict[str, Callable[..., Any]] = {
    "pyjwt": pyjwt,
    "pyjwt_whole": pyjwt_whole,
    "jose": python_jose,
    "authlib": authlib,
    "joserfc": joserfc_,
}
"""Each verifies a token and returns its claims."""
