"""Print pip constraints that pin the main dependencies to the lowest versions that requirements.txt allows."""

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
PACKAGES = ("torch", "torchvision", "numpy", "pandas", "streamlit")


def oldest(requirements: str) -> dict[str, str]:
    """Return the lower bound of each package of `PACKAGES`, by name.

    Raises:
        SystemExit: a package is missing from the requirements or has no lower bound.
    """
    bounds = dict(re.findall(r"^([\w-]+)(?:~=|>=)([\d.]+)", requirements, re.MULTILINE))
    missing = [name for name in PACKAGES if name not in bounds]
    if missing:
        raise SystemExit(f"requirements.txt has no lower bound for {', '.join(missing)}.")
    return {name: bounds[name] for name in PACKAGES}


if __name__ == "__main__":
    for name, version in oldest(REQUIREMENTS.read_text(encoding="utf-8")).items():
        print(f"{name}=={version}")
