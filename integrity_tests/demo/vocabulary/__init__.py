"""The words of the demo: names, places, concepts. Text only; nothing here decides anything."""
