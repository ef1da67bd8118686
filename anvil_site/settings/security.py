"""Secrets, hosts, cookies."""

from __future__ import annotations

import hashlib
import os
import secrets

from anvil_site.options import option_text


def _secret_key() -> str:
    """The given one; else one that every node with the same JWT_SECRET has; else (checks, tests) a random one."""
    given = option_text("DJANGO_SECRET_KEY", os.environ)
    if given:
        return given
    shared = option_text("JWT_SECRET", os.environ)
    if shared:
        return hashlib.blake2b(shared.encode(), person=b"anvil/sessions").hexdigest()
    return secrets.token_urlsafe(48)


def _list(variable: str) -> list[str]:
    return [entry.strip() for entry in option_text(variable, os.environ).split(",") if entry.strip()]


SECRET_KEY = _secret_key()

DEBUG = False

ALLOWED_HOSTS = _list("ADMIN_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = _list("ADMIN_TRUSTED_ORIGINS")

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CSRF_TRUSTED_ORIGINS else None
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "anvil_session"
CSRF_COOKIE_NAME = "anvil_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(CSRF_TRUSTED_ORIGINS)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
