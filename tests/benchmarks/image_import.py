"""Peak memory of importing a zip of many images, compared with a tenth of them.

    python tests/benchmarks/image_import.py [COUNT]

Writes two zips of COUNT (default 2,000) and COUNT / 10 tiny images in two classes, imports each in a new process, and
prints JSON: seconds and peak resident memory of each, and the ratio of the peaks.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT = """
import json, resource, sys, time
from pathlib import Path
from dlcore.data.custom.images import IMPORTER
start = time.time()
entry = IMPORTER.save("mine", IMPORTER.preview(Path(sys.argv[1]), repair="default"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"images": entry.rows, "seconds": round(time.time() - start, 1), "peak_mb": round(peak, 1)}))
"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        small, large = (_import(Path(folder), number) for number in (count // 10, count))
    report = {"command": f"python tests/benchmarks/image_import.py {count}", "tenth": small, "all": large}
    print(json.dumps({**report, "ratio": round(large["peak_mb"] / small["peak_mb"], 3)}, indent=2))


def _import(folder: Path, count: int) -> dict[str, float]:
    file = folder / f"{count}.zip"
    image = _encode()
    with zipfile.ZipFile(file, "w") as archive:
        for k in range(count):
            archive.writestr(f"set/class {k % 2}/{k:06d}.png", image + k.to_bytes(4, "little"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DLCORE_HOME": str(folder / f"home-{count}")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(file)], env=environment, capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _encode() -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.linear_gradient("L").resize((16, 16)).save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    main()
