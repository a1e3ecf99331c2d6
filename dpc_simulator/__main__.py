"""The command: python -m dpc_simulator data/dpc --hospitals 3 --months 3 --seed 7 --untidy"""

import argparse
import sys
from pathlib import Path

from dpc_simulator import generate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dpc_simulator", description="Make up packages of hospitals.")
    parser.add_argument("into", type=Path, help="the folder that gets sources/")
    for name, default in (("hospitals", 3), ("months", 3), ("seed", 7), ("cases", 40), ("orders", 8)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--untidy", action="store_true", help="let two packages of the last hospital be wrong")
    values = vars(parser.parse_args())
    made = generate(values.pop("into"), **values)
    sys.stdout.write(f"{made.packages:,} packages with {made.rows:,} rows, {made.bytes:,} bytes\n")


if __name__ == "__main__":
    main()
