"""The development identity provider: OpenID Connect for people who try the system.

Authorization code flow with PKCE, refresh tokens with rotation, JWT access tokens (RFC 9068),
client credentials for our own services, discovery and JWKS, over authlib. Its users are named roles with one shared development
password; it refuses to serve on anything but a loopback address. A hospital brings its own
provider and switches this one off with one setting.
"""

from drassist.identity_provider.app import create_identity_provider
from drassist.identity_provider.users import DEVELOPMENT_USERS, DevelopmentUser, ServiceClient

__all__ = [
    "DEVELOPMENT_USERS",
    "DevelopmentUser",
    "ServiceClient",
    "create_identity_provider",
]
