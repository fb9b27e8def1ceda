"""ONNX Runtime Web: its script and its WebAssembly file, from an installed npm package or from the cache."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dlcore.core import settings
from dlcore.core.errors import DataError, RequestError
from dlcore.runs.folder import translate_errors, write_atomic

PACKAGE, VERSION, LICENSE = "onnxruntime-web", "1.30.0", "MIT"
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
"""Of the package that npm downloads."""
MEGABYTES = 33.1
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
VARIABLE = "DLCORE_ORT_WEB"
"""Environment variable: the folder of an installed npm package."""
TIMEOUT = 600.0
_EXPORT = re.compile(r"export\{([^{}]*)\};?\s*(?://# sourceMappingURL=\S*\s*)?$")


@dataclass(frozen=True)
class OrtWeb:
    """The two files of ONNX Runtime Web (one thread, SIMD)."""

    script: Path
    wasm: Path

    def global_script(self) -> str:
        """Return its module as a script that sets `dlcoreOrtModule` and has no exports.

        Raises:
            DataError: the file is not the module that is expected.
        """
        text = self.script.read_text(encoding="utf-8")
        match = _EXPORT.search(text)
        if match is None or "</script" in text:
            raise DataError(f"{self.script} does not end with its exports: install {PACKAGE} {VERSION}.")
        pairs = [re.split(r"\s+as\s+", part.strip()) for part in match[1].split(",")]
        values = ",".join(f"{pair[-1]}:{pair[0]}" for pair in pairs if pair[-1] != "default")
        return f"{text[: match.start()]}globalThis.dlcoreOrtModule={{{values}}};\n"


def find() -> OrtWeb | None:
    """Return the files of `DLCORE_ORT_WEB`, else of the cache; None if there are none.

    Raises:
        DataError: `DLCORE_ORT_WEB` names a folder without them.
    """
    folder = os.environ.get(VARIABLE, "")
    for path in [Path(folder).expanduser() / "dist", Path(folder).expanduser()] if folder else [_cached()]:
        if (path / SCRIPT).is_file() and (path / WASM).is_file():
            return OrtWeb(path / SCRIPT, path / WASM)
    if folder:
        raise DataError(f"{VARIABLE}={folder}: there is no {SCRIPT} and {WASM}; name the folder of {PACKAGE}.")
    return None


def describe() -> str:
    """Return what a download brings, in one line."""
    return f"ONNX Runtime Web {VERSION}: {MEGABYTES} MB from npm, license {LICENSE}, sha256 {SHA256}"


def fetch() -> OrtWeb:
    """Download the package with npm into the cache, check its sha256 and keep the two files.

    Raises:
        RequestError: there is no npm.
        DataError: npm fails, or the package is not the expected one.
        StoreError: the cache cannot be written.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise RequestError(f"fetching ONNX Runtime Web needs npm: install Node.js, or set {VARIABLE}.")
    folder = _cached()
    with tempfile.TemporaryDirectory(prefix="dlcore-") as draft, translate_errors(folder):
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--json", "--pack-destination", draft]
        try:
            done = subprocess.run(command, cwd=draft, capture_output=True, text=True, timeout=TIMEOUT, check=False)
            archive = Path(draft) / json.loads(done.stdout or "[]")[0]["filename"]
            content = archive.read_bytes()
        except (subprocess.TimeoutExpired, ValueError, LookupError, OSError):
            raise DataError(f"npm could not fetch {PACKAGE} {VERSION}: check the network, or set {VARIABLE}.") from None
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise DataError(f"{PACKAGE} {VERSION} from npm has another sha256 than expected: nothing was kept.")
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as package:
            for name in (WASM, SCRIPT):
                member = package.extractfile(f"package/dist/{name}")
                assert member is not None
                write_atomic(folder / name, member.read())
    return OrtWeb(folder / SCRIPT, folder / WASM)


def _cached() -> Path:
    return settings.cache() / f"{PACKAGE}-{VERSION}"
