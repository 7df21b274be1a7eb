"""In: probes, which do what people wait for. Out: how long that takes, compared with a pinned baseline."""
