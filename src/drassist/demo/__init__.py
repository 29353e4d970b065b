"""The demonstration: one consultation, end to end, through the doors that everybody uses.

It signs people in, speaks GraphQL over HTTP and WebSocket as three devices, and streams audio; it
knows nothing of the server but its address. The end-to-end test plays the same consultation.
"""

from drassist.demo.consultation import Consultation, Failed, Played
from drassist.demo.links import Link, links
from drassist.demo.screen import play

__all__ = ["Consultation", "Failed", "Link", "Played", "links", "play"]
