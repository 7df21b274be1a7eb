"""What a suite without rules pays for this plugin: the processor time of importing it, in a fresh process each time.

python benchmarks/plugin_import.py [--times 21]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from statistics import median

CODE = """
import pytest, _pytest.config, time
began = time.process_time()
import pytest_tgintegrity.plugin
print(time.process_time() - began)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=21)
    times = parser.parse_args().times
    told = [subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True).stdout for _ in range(times)]
    seconds = sorted(float(one) for one in told)
    print(f"{median(seconds) * 1000:.1f} ms (median of {times}; {seconds[0] * 1000:.1f} to {seconds[-1] * 1000:.1f})")


if __name__ == "__main__":
    main()
