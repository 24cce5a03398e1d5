#!/bin/sh
# Prints a Python that can run the dashboard: 3.11 or newer, with venv. Otherwise says in a sentence what is missing.
# `PYTHON=/path/to/python3.12 make run` chooses one by hand.
set -u

seen_old=""
seen_bare=""
for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if ! "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        seen_old="$name is Python $version"
    elif ! "$name" -c 'import ensurepip, venv' 2>/dev/null; then
        seen_bare="$version"
    else
        command -v "$name"
        exit 0
    fi
done

if [ -n "$seen_bare" ]; then
    echo "Python $seen_bare is here, but its venv module is missing: on Debian and Ubuntu," \
         "'sudo apt install python$seen_bare-venv' brings it; then start again." >&2
elif [ -n "$seen_old" ]; then
    echo "The dashboard needs Python 3.11 or newer, but $seen_old: install a newer one" \
         "(python.org has it for every system), then start again." >&2
elif [ -n "${PYTHON:-}" ]; then
    echo "PYTHON=$PYTHON does not start: give the path of a Python 3.11 or newer." >&2
else
    echo "Python was not found: install Python 3.11 or newer with its venv module" \
         "(python.org has it for every system), then start again." >&2
fi
exit 1
