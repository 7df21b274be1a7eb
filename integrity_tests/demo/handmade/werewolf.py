"""Werewolf: the Apocalypse."""

from typing import Final

from .made import item, place

ITEMS: Final = (
    item("fetish", "Heartwood Flute", "The spirit answers in thirds.", rank=5, gnosis=8, spirit="Cricket spirit"),
    item("talen", "Ash-Painted Pebble", "Breaks when it is needed.", rank=0, gnosis=1, spirit="Ember spirit"),
    item("talen", "Wasp Nest in a Jar", "Do not shake.", rank=1, gnosis=4, spirit="Wasp spirit", status="Sub"),
)

PLACES: Final = (
    place("caern", "Nine Stones", "The tenth was carried off in 1790.", rank=5, caern_type="wyld"),
    place("caern", "The Tannery Yard", "Hidden in plain smell.", rank=4, caern_type="urban"),
    place("caern", "Sleeping Ground", "Nobody has woken it for a generation.", rank=1, caern_type="", status="Un"),
)
