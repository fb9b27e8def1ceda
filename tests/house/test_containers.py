"""Dockerfiles and compose files keep the rules of hadolint, and say what docs/deployment.md promises."""

import json
import re
from pathlib import Path

import pytest
import yaml

from dlcore import cli

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/deployment"
DOCKERFILES = sorted(path for path in FOLDER.glob("Dockerfile*") if path.suffix != ".dockerignore")
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PINNED = re.compile(r"[\w./-]+:\d+\.\d+[\w.-]*")
KNOWN = {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


def instructions(path):
    """Return the instructions of a Dockerfile as pairs of name and argument, with lines joined."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(name, " ".join(argument.split())) for name, argument in pairs]


def last(path, name):
    return [argument for each, argument in instructions(path) if each == name][-1]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfile_keeps_the_rules(path):
    steps = instructions(path)
    assert {name for name, _ in steps} <= KNOWN
    arguments = dict(argument.split("=", 1) for name, argument in steps if name == "ARG" and "=" in argument)
    for name, argument in steps:
        if name == "FROM":  # DL3006, DL3007: a pinned base, never latest
            image = argument.split()[0]
            assert PINNED.fullmatch(arguments.get(image.strip("${}"), image)) and "latest" not in argument
        if name == "RUN":
            assert not re.search(r"\b(sudo|ssh|curl|wget|cd|chmod 777)\b", argument)  # DL3003, DL3004, DL4001
            if "apt-get install" in argument:  # DL3009, DL3014, DL3015
                assert "--no-install-recommends" in argument and "-y" in argument
                assert "rm -rf /var/lib/apt/lists" in argument
            if "pip install" in argument:  # DL3042
                cached = "PIP_NO_CACHE_DIR=1" in " ".join(each for kind, each in steps if kind == "ENV")
                assert cached or "--no-cache-dir" in argument
        if name in ("CMD", "ENTRYPOINT"):  # DL3025
            assert all(isinstance(word, str) for word in json.loads(argument))
        if name == "WORKDIR":  # DL3000
            assert argument.startswith("/")
        assert name != "COPY" or not argument.startswith(". ")
    assert int(last(path, "USER").partition(":")[0]) > 1000  # DL3002
    assert last(path, "HEALTHCHECK").count("CMD [") == 1
    assert not any(name == "ENV" and re.search(r"PASSWORD|SECRET|TOKEN", argument) for name, argument in steps)


def test_copied_files_exist_and_are_sent_to_the_build():
    sent = {line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    for name, argument in instructions(FOLDER / "Dockerfile"):
        if name == "COPY" and "--from" not in argument:
            for source in argument.split()[:-1]:
                assert (ROOT / source).exists()
                assert source in sent or f"{source}/config.toml" in sent


def test_one_argument_chooses_between_cpu_and_cuda():
    text = (FOLDER / "Dockerfile").read_text()
    assert "ARG DEVICE=cpu" in text and 'https://download.pytorch.org/whl/${DEVICE}"' in text
    assert SERVICES["web"]["build"]["args"] == {"DEVICE": "${DEVICE:-cpu}"}


def test_services_run_without_root_and_on_a_read_only_root():
    assert set(SERVICES) == {"web", "worker", "mlflow", "postgres"}
    for name, service in SERVICES.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"] and "privileged" not in service
        assert "build" in service or PINNED.fullmatch(service["image"])
        assert "/tmp" in service["tmpfs"]
        built = "build" in service
        assert (built and DOCKERFILES) or service["user"] not in ("root", "0")
        mounted = [volume.partition(":")[0] for volume in service["volumes"]]
        assert all(volume in COMPOSE["volumes"] or volume.startswith("./") for volume in mounted)
        assert not service.get("ports") or all(port.startswith("127.0.0.1:") for port in service["ports"])
        for other in service.get("depends_on", {}):
            assert other in SERVICES


def test_every_service_has_a_health_check():
    for name, service in SERVICES.items():
        file = FOLDER / Path(service["build"]["dockerfile"]).name if "build" in service else None
        assert "healthcheck" in service or "HEALTHCHECK" in file.read_text(), name


def test_web_and_worker_share_runs_and_the_names_of_queues():
    web, worker = SERVICES["web"], SERVICES["worker"]
    assert (
        web["hostname"] == worker["hostname"] and "data:/data" in web["volumes"] and "data:/data" in worker["volumes"]
    )
    assert web["environment"]["DLCORE_WORKERS"] == worker["environment"]["DLCORE_WORKERS"] == "service"
    assert web["environment"]["DLCORE_SHARED"] in " ".join(worker["volumes"])


def test_commands_of_the_containers_are_valid():
    parser = cli.build_parser()
    steps = FOLDER / "Dockerfile"
    check = json.loads(last(steps, "HEALTHCHECK").partition("CMD ")[2])
    commands = [
        json.loads(last(steps, "CMD")),
        SERVICES["web"]["command"],
        SERVICES["worker"]["command"],
        check[1:],
        SERVICES["worker"]["healthcheck"]["test"][2:],
    ]
    assert check[0] == "dlcore"
    for command in commands:
        assert callable(parser.parse_args([str(word) for word in command]).command)


def test_gpus_are_added_by_a_second_file():
    gpus = yaml.safe_load((FOLDER / "compose.gpu.yaml").read_text())["services"]
    assert set(gpus) == {"web", "worker"}
    assert gpus["worker"]["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]
