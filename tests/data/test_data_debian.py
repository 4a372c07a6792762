"""The package route, with stand-ins for apt-get; the real one is too big for a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from data_fakes import Tiny

from jaxtrain.data import DataError
from jaxtrain.data.fashion_mnist.debian import Package, from_package, private_settings


def program(folder: Path, script: str) -> str:
    path = folder / "apt-get"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def fetched(tiny: Tiny, package: Package) -> dict[str, bytes]:
    files = tiny.manifest.files
    found = from_package(tiny.manifest, package, files, lambda *told: None)
    return {file.name: data for file, data in found}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which temporary folders are made, to see that none stays."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_without_apt_there_is_no_package(tiny: Tiny) -> None:
    with pytest.raises(DataError, match="no-such-apt-get is not installed here"):
        fetched(tiny, Package(apt_get="no-such-apt-get"))


def test_the_complaints_of_apt_are_passed_on(
    tiny: Tiny, tmp_path: Path, temporary: Path
) -> None:
    script = 'echo "Reading..."; echo "E: Unable to locate package $3" >&2; exit 100'
    package = Package(apt_get=program(tmp_path, script), dpkg="sh")
    with pytest.raises(DataError) as caught:
        fetched(tiny, package)
    said = "status 100: E: Unable to locate package dataset-fashion-mnist"
    assert str(caught.value).startswith("apt-get fails: status 100: ")
    assert said in str(caught.value)
    assert os.listdir(temporary) == []


def test_apt_that_brings_nothing_is_named(tiny: Tiny, tmp_path: Path) -> None:
    package = Package(apt_get=program(tmp_path, "exit 0"), dpkg="sh")
    with pytest.raises(DataError, match="apt-get fails: no package came"):
        fetched(tiny, package)


def test_apt_that_hangs_is_ended_with_its_children(
    tiny: Tiny, tmp_path: Path, temporary: Path
) -> None:
    alive = tmp_path / "alive"
    script = f"(sleep 1; touch '{alive}') & sleep 60"
    package = Package(apt_get=program(tmp_path, script), dpkg="sh", patience=0.3)
    start = time.monotonic()
    with pytest.raises(DataError, match=r"update.* did not end within 0.3 s"):
        fetched(tiny, package)
    assert time.monotonic() - start < 5
    time.sleep(1.2)
    assert not alive.exists(), "a child of apt outlived it"
    assert os.listdir(temporary) == []


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")
def test_a_package_is_unpacked_and_verified(
    tiny: Tiny, other_tiny: Tiny, tmp_path: Path, temporary: Path
) -> None:
    for name, content in (("right", tiny), ("wrong", other_tiny)):
        root = tmp_path / name
        content.save(root / "usr/share/datasets/fashion-mnist", gz=True)
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN/control").write_text(
            "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\n"
            "Description: x\n"
        )
        subprocess.run(
            ["dpkg-deb", "-Znone", "-b", root, tmp_path / f"{name}.deb"],
            check=True,
            capture_output=True,
        )

    def package(name: str) -> Package:
        copy = f'[ "$2" = update ] || cp "{tmp_path}/{name}.deb" .'
        return Package(apt_get=program(tmp_path, copy))

    assert fetched(tiny, package("right")) == tiny.contents
    with pytest.raises(DataError, match="is not Tiny"):
        fetched(tiny, package("wrong"))
    assert os.listdir(temporary) == []


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not installed")
def test_a_damaged_package_is_named(tiny: Tiny, tmp_path: Path) -> None:
    script = 'echo "not a package" > x.deb'
    with pytest.raises(DataError, match="dpkg cannot unpack the package: status 2"):
        fetched(tiny, Package(apt_get=program(tmp_path, script)))


@pytest.mark.skipif(not shutil.which("apt-config"), reason="apt is not installed")
def test_apt_is_told_to_stay_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given.conf"
    given.write_text(
        'APT::Update::Post-Invoke { "rm -rf /var/cache/apt"; };\n'
        'Acquire::http::Proxy "http://proxy.example:3128";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(given))
    work = tmp_path / "work"
    told = subprocess.run(
        ["apt-config", "dump"],
        env=private_settings(work),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Invoke:: " not in "".join(
        line for line in told.splitlines() if line.startswith("APT::Update")
    )
    assert f'Dir::State "{work}/state/"' in told
    assert f'Dir::Cache "{work}/cache/"' in told
    assert "http://proxy.example:3128" in told, "the user's proxy must stay"
