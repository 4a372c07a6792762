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

install() {
    stamp=".venv/installed-$1"
    [ "$stamp" -nt pyproject.toml ] && return
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "$python is not Python 3.11 or newer: set PYTHON=/path/to/python3.11"
    # A venv made where Debian's python3-venv is missing has no pip, and is of no use.
    [ -x .venv/bin/pip ] || "$python" -m venv --clear .venv ||
        fail "no virtual environment can be made: apt-get install python3-venv"
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
    exec .venv/bin/python -m pytest "$@"
    ;;
*) fail "usage: ./run.sh fashion|tests [OPTIONS], but got '$command'" ;;
esac
