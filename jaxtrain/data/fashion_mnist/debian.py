"""The data set from Debian's and Ubuntu's package, without root and without a trace.

`apt-get update` and `apt-get download` work in a temporary folder with lists and cache
of their own and `dpkg -x` unpacks there, so that the system stays as it was. The
archive's signature is checked by apt, the files by their SHA-256 as always.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtrain.data.dataset import DataError
from jaxtrain.data.fashion_mnist.description import SYSTEM_FOLDER, IdxFile, Manifest
from jaxtrain.data.fashion_mnist.download import OnProgress
from jaxtrain.data.fashion_mnist.folder import read_folder

if TYPE_CHECKING:
    import subprocess


@dataclass(frozen=True)
class Package:
    """The package, the two programs, and the seconds that each call may take."""

    name: str = "dataset-fashion-mnist"
    apt_get: str = "apt-get"
    dpkg: str = "dpkg"
    patience: float = 600.0


def from_package(
    manifest: Manifest, package: Package, files: Iterable[IdxFile], progress: OnProgress
) -> Iterator[tuple[IdxFile, bytes]]:
    """Yield each of `files` in the package with its verified decompressed bytes.

    Raises:
        DataError: no apt-get or dpkg here, they fail or take too long, or the package
            holds something else.
    """
    import tempfile

    tools = [_tool(package.apt_get), _tool(package.dpkg)]
    try:
        with tempfile.TemporaryDirectory(prefix="jaxtrain-") as name:
            root = _Workshop(Path(name), package, progress).unpack(*tools)
            folder = root / SYSTEM_FOLDER.relative_to("/")
            yield from read_folder(manifest, folder, files)
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from None


def _tool(name: str) -> str:
    import shutil

    path = shutil.which(name)
    if path is None:
        raise DataError(f"{name} is not installed here")
    return path


@dataclass(frozen=True)
class _Workshop:
    folder: Path
    package: Package
    progress: OnProgress

    def unpack(self, apt_get: str, dpkg: str) -> Path:
        """Fetch and unpack the package; the folder that stands for /."""
        environment = private_settings(self.folder)
        # Where one of several sources is out of reach, update fails and yet may have
        # found the package; so download decides.
        update = self._run([apt_get, "-q", "update"], environment)
        download = self._run(
            [apt_get, "-q", "download", self.package.name], environment
        )
        archives = list(self.folder.glob("*.deb"))
        if download or not archives:
            complaints = "; ".join(filter(None, (update, download)))
            raise DataError(f"apt-get fails: {complaints or 'no package came'}")
        if fault := self._run([dpkg, "-x", str(archives[0]), "root"], environment):
            raise DataError(f"dpkg cannot unpack the package: {fault}")
        return self.folder / "root"

    def _run(self, command: list[str], environment: Mapping[str, str]) -> str:
        """Run `command` to its end; what it complained of, or nothing if it worked."""
        import subprocess

        with (self.folder / "told").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Helpers of apt outlive it when it is killed; a session of their own
                # lets one signal reach all.
                start_new_session=True,
            )
        try:
            status = self._wait(process)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return _complaint(self.folder / "told", status) if status else ""

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        import subprocess

        end = time.monotonic() + self.package.patience
        while time.monotonic() < end:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=min(0.25, self.package.patience))
            self.progress(self.package.name, _bytes_so_far(self.folder), None)
        raise DataError(
            f"{process.args!r} did not end within {self.package.patience:g} s"
        )


def private_settings(folder: Path) -> dict[str, str]:
    """Prepare `folder` for apt; the environment that makes apt stay inside it."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    first, last = folder / "first.conf", folder / "last.conf"
    config = os.environ.get("APT_CONFIG", "")
    first.write_text(_include(config) + f'Dir::Etc::main "{last}";\n')
    last.write_text(_include("/etc/apt/apt.conf") + _settings(folder))
    return {**os.environ, "APT_CONFIG": str(first), "LC_ALL": "C.UTF-8"}


def _include(path: str) -> str:
    return f'#include "{path}";\n' if path and Path(path).is_file() else ""


def _settings(folder: Path) -> str:
    """What apt reads last, so that it wins over the system's own settings.

    The hooks are cleared because some systems clean the real package cache in them. The
    user for the sandbox is the present one: apt's own could not enter the folder.
    """
    return f"""
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "{folder}/state/";
Dir::State::lists "lists/";
Dir::Cache "{folder}/cache/";
Dir::Cache::archives "archives/";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "";
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""


def _bytes_so_far(folder: Path) -> int:
    total = 0
    for path in folder.glob("*.deb*"):
        with suppress(OSError):  # apt renames the file while we look
            total += path.stat().st_size
    return total


def _complaint(output: Path, status: int) -> str:
    """The errors in a program's output, else its last line."""
    lines = output.read_text("utf-8", "replace").split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    text = "; ".join(errors[:2] or lines[-1:]) or "it says nothing"
    return f"status {status}: {text}"
