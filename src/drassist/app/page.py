"""GraphiQL as our users meet it: every client's contract, signing in with our provider."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from drassist.runtime.settings import Settings
from router import Router
from router.graphiql import GraphiQLConfig, SignIn, create_graphiql
from router.page import graphiql_config
from router.server.app import Page

__all__ = ["graphiql"]

WELCOME: Final = """# Dr. Assistant: one graph for every device.
# Sign in, choose a client, press Ctrl-Enter.

query FindPriya {
  searchPatients(text: "Priya", first: 3) {
    edges {
      node {
        patient {
          mrn
          name
          age
          encounters(first: 2) {
            edges {
              node {
                status
                reason
              }
            }
          }
        }
      }
    }
  }
}
"""


def graphiql(settings: Settings, router: Router) -> Page:
    """The page, told who signs people in; it follows every reload of the router."""

    def config() -> GraphiQLConfig:
        return replace(
            graphiql_config(router.generation),
            title=settings.facility,
            welcome=WELCOME,
            identity=SignIn(settings.identity.issuer),
        )

    return create_graphiql(config)
