#!/bin/sh
# Sets up a virtual environment in .venv and runs something in it:
#   ./run.sh fashion [OPTIONS]   the main job: train on Fashion-MNIST
#   ./run.sh tests [OPTIONS]     everything that is checked before a change lands
# PYTHON names another interpreter than python3.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}

fail() {
    echo "run.sh: $1" >&2
    exit 2
}

make_environment() {
    "$python" -m venv --clear .venv >/dev/null 2>&1 && return
    # Debian keeps what gives a new environment its pip in a package of its own; a pip
    # of the system's can stand in for it.
    "$python" -m venv --clear --without-pip .venv >/dev/null 2>&1 &&
        "$python" -m pip --python .venv/bin/python install --quiet pip >&2 ||
        fail "no virtual environment can be made: apt-get install python3-venv"
}

install() {
    stamp=".venv/installed-$1"
    [ "$stamp" -nt pyproject.toml ] && return
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "$python is not Python 3.11 or newer: set PYTHON=/path/to/python3.11"
    [ -x .venv/bin/pip ] || make_environment
    echo "run.sh: installing into .venv (once; with the tests' PyTorch about 5 GB)" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e "$2" >&2
    touch "$stamp"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
fashion)
    install core .
    exec .venv/bin/python -m jaxtrain.fashion "$@"
    ;;
tests)
    install test '.[test]'
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
    exec .venv/bin/python -m pytest -n auto --maxprocesses 4 --dist worksteal "$@"
    ;;
*) fail "usage: ./run.sh fashion|tests [OPTIONS], but got '$command'" ;;
esac
