"""Opens the dashboard to the network on purpose, for a class: `make serve`, or `python -m scripts.serve`.

`--address https://lab.example/gpt` is how the class reaches it where that is no address of this machine itself, as
behind a proxy; `--new-link` makes another link for the teacher; `--limits` changes what one person may have (`--limits
minutes=5,runs=20`, or `--limits off`; see `minigpt_core/limits.py`); `--launcher ray --address 10.0.0.5:6379` trains on
the Ray cluster with this head, one core for each training (and `--cards 0.25` a share of a graphics card); everything
else after the command goes to Streamlit, for example `--server.port 8600`.
"""

import argparse
import io
import os
import socket
import sys
from dataclasses import asdict
from urllib.parse import urlsplit

import segno
from streamlit.web import cli

from minigpt_core import limits
from minigpt_core.data_home import data_home
from minigpt_core.errors import ConfigError
from minigpt_core.jobs import cluster_address
from ui import teacher
from ui.server.security import HOSTS

FIRST_PORT = 8501
EVERYWHERE = "0.0.0.0"
# Addresses of the usual kinds of networks. Connecting a UDP socket sends nothing: it makes the system say
# which of its own addresses it would use. 192.0.2.1 is reserved for documentation (RFC 5737).
_DIRECTIONS = ("192.0.2.1", "192.168.0.1", "10.0.0.1", "172.16.0.1")


def addresses() -> list[str]:
    """This machine's addresses in its networks, without asking anybody outside."""
    found: list[str] = []
    for direction in _DIRECTIONS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((direction, 9))
            except OSError:
                continue  # no way leads there
            found.append(probe.getsockname()[0])
    return [address for address in dict.fromkeys(found) if not address.startswith("127.")]


def free_port() -> int:
    """The first port from 8501 on that nobody listens on."""
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as listener:
            if listener.connect_ex(("127.0.0.1", port)) != 0:
                return port
    sys.exit(f"The ports {FIRST_PORT} to {FIRST_PORT + 99} are all in use: choose one with --server.port.")


def given_door(address: str) -> tuple[list[str], str, str]:
    """The way in that somebody has named, the path below which the pages are, and the name of the host."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        sys.exit(f"--address {address} is no address of a page: write it as in https://lab.example/gpt.")
    return [address.rstrip("/")], parts.path.strip("/"), parts.hostname


def welcome(doors: list[str], secret: str) -> str:
    """What stands in the terminal: the way in for the class, and the teacher's own.

    Args:
        doors: the addresses of the dashboard in each network, the likeliest first.
    """
    listed = "\n".join(f"    {door}" for door in doors)
    link = teacher.link(doors[0], secret)
    return (
        f"\n  The dashboard is open to this network. Give the class this address:\n\n{listed}\n\n"
        f"  Class code: {teacher.class_code(secret)}\n\n{qr_code(doors[0])}\n"
        "  Everyone there can use it, each with runs of their own. Ctrl+C ends it for all.\n\n"
        "  For the teacher alone, not for the projector: whoever has this link sees and steers the whole class.\n\n"
        f"    {link}\n\n{qr_code(link)}\n"
        "  It stays the same at the next start; --new-link makes another one.\n"
    )


def what_fits(most: limits.Limits | None) -> str:
    """What one person may have, as it is said to who serves a class."""
    if most is None:
        return "Nobody is limited in what is trained and kept."
    listed = ", ".join(
        f"{name} {value:,.0f}" if value == int(value) else f"{name} {value}"
        for name, value in asdict(most).items()
    )
    return f"At most for each: {listed}. Change it with --limits minutes=5,runs=20 or --limits off."


def qr_code(address: str) -> str:
    """A square that a phone can read; nothing where the terminal cannot show one."""
    picture = io.StringIO()
    segno.make(address, error="m").terminal(picture, border=2, compact=True)
    try:
        picture.getvalue().encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ""
    return picture.getvalue()


def command_line() -> argparse.ArgumentParser:
    """What may stand after the command; what it does not know goes to Streamlit."""
    parser = argparse.ArgumentParser(
        prog="scripts.serve",
        allow_abbrev=False,
        description="Open the dashboard to the network, for a class.",
        epilog="Everything else goes to Streamlit: `python -m streamlit run --help` lists it.",
    )
    add = parser.add_argument
    add(
        "--server.port",
        dest="port",
        type=int,
        help=f"where to listen (default: the first free one from {FIRST_PORT} on)",
    )
    add(
        "--server.baseUrlPath",
        dest="base",
        default="",
        metavar="PATH",
        help="the path below which the pages are",
    )
    add("--server.address", dest="listen", default=EVERYWHERE, help="the address to listen at (default: all)")
    add(
        "--address", action="append", default=[],
        help="how the class reaches it where that is no address of this machine: https://lab.example/gpt",
    )  # fmt: skip
    add(
        "--launcher", choices=cluster_address.LAUNCHERS,
        help="where trainings are made; ray: on the cluster whose head is another --address 10.0.0.5:6379",
    )  # fmt: skip
    add("--cards", metavar="SHARE", help="of a graphics card, for each training on a cluster: 0.25")
    add("--new-link", action="store_true", help="make another secret link for the teacher")
    add(
        "--limits", default=os.environ.get("MINIGPT_LIMITS", "class"),
        help="what one person may have: minutes=5,runs=20, or off (default: class)",
    )  # fmt: skip
    return parser


def is_head(address: str) -> bool:
    """Whether an address is that of a cluster's head, and not of a page."""
    return "://" not in address and address.rpartition(":")[2].isdigit()


def use_cluster(options: argparse.Namespace) -> None:
    """Where trainings are made, for the server that is about to start, unless the environment says it."""
    heads = [address for address in options.address if is_head(address)]
    said = {cluster_address.LAUNCHER: options.launcher, cluster_address.ADDRESS: heads[-1] if heads else None}
    said[cluster_address.CARDS] = options.cards
    os.environ.update({name: value for name, value in said.items() if value})


def open_cluster() -> str | None:
    """What is said where trainings go to a cluster that lets in whoever reaches it."""
    if cluster_address.from_environment() is None or cluster_address.asks_for_token():
        return None
    return (
        "This server has no token for the Ray cluster. A cluster that asks for one will not let it in; where none is "
        "asked for, whoever reaches its machines in the network can run any program on them and read everything there. "
        'See "A cluster" in the README for how to give one to all.'
    )


def main(arguments: list[str]) -> None:
    """Say which address to give to the class, then start Streamlit in this process."""
    options, others = command_line().parse_known_args(arguments)
    use_cluster(options)
    doors_given = [address for address in options.address if not is_head(address)]
    options.address = (doors_given or [os.environ.get("MINIGPT_ADDRESS", "")])[-1]
    try:
        warning = open_cluster()
        most = limits.parsed(options.limits, data_home())
    except ConfigError as error:
        sys.exit(str(error))
    if options.port is not None and not 0 < options.port < 65_536:
        sys.exit(f"There is no port {options.port}: choose one from 1 to 65535 with --server.port.")
    port = options.port or free_port()
    settings = [f"--server.address={options.listen}", f"--server.port={port}"]
    if options.address:  # Streamlit would put its own port behind that name
        doors, base, name = given_door(options.address)
        os.environ[HOSTS] = ",".join(filter(None, [os.environ.get(HOSTS), name]))
    else:
        base = options.base.strip("/")
        found = addresses() if options.listen == EVERYWHERE else [options.listen]
        if not found:
            sys.exit(
                "This machine has no address in a network: connect it to that of the class and start again."
            )
        doors = [f"http://{address}:{port}{f'/{base}' if base else ''}" for address in found]
        settings.append(f"--browser.serverAddress={found[0]}")
    print(welcome(doors, teacher.keep_secret(data_home(), options.new_link)), flush=True)
    print(f"  {what_fits(most)}\n", flush=True)
    if warning:
        print(f"  {warning}\n", flush=True)
    os.environ["MINIGPT_LIMITS"] = options.limits
    os.environ["MINIGPT_SERVE"] = "1"  # every browser gets its own workspace
    settings += [f"--server.baseUrlPath={base}"] if base else []
    cli.main(args=["run", "dashboard.py", *settings, *others], prog_name="streamlit")


if __name__ == "__main__":
    main(sys.argv[1:])
