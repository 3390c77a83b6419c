"""Requests tokens with one of the clients, on request.

Each line has the time as `now`, in milliseconds. Tokens are requested `rounds` times, each time by `parallel` threads
or tasks; the answer has the distinct tokens, and the distinct reasons of failures.
"""

import imaplib
import json
import sys
from urllib.parse import urlsplit

from client_under_test import Client, Tasks, Threads

from token_vault import TlsOptions, xoauth2


def main(kind: str, address: str, tls: dict[str, str] | None = None, **options: object) -> None:
    now = 0.0
    create = {"threads": Threads, "tasks": Tasks}[kind]
    tls_options = None if tls is None else TlsOptions(**tls)
    client: Client = create(address, timeout=2, now=lambda: now, tls=tls_options, **options)
    for line in sys.stdin:
        command = json.loads(line)
        now = command["now"] / 1000
        print(json.dumps(answer(client, command)), flush=True)
    client.close()


def answer(client: Client, command: dict[str, object]) -> object:
    match command:
        case {"connection": connection, "scopes": scopes, "rounds": rounds, "parallel": parallel}:
            answers = {
                getattr(each, "reason", None) or str(each)
                for _ in range(rounds)
                for each in client.get_many(parallel, connection, scopes)
            }
            return sorted(answers)
        case {"connect": connection, "scopes": scopes, "return_url": return_url}:
            links = client.call("connect", connection, scopes=scopes, return_url=return_url)
            # They are secrets, which printing the links does not reveal.
            assert links.connect_uri not in repr(links)
            return links.connect_uri
        case {"confirm": connection, "confirmation": confirmation}:
            client.call("confirm", connection, confirmation)
            return client.call("get_directory_id", connection)
        case {"imap_url": url, "connection": connection, "user": user}:
            host = urlsplit(url)
            token = client.get(connection, ["https://outlook.office.com/.default"])
            with imaplib.IMAP4(host.hostname, host.port) as imap:
                imap.authenticate("XOAUTH2", xoauth2(user, token))
                return imap.select("INBOX", readonly=True)[0]
    raise ValueError(command)


main(**json.loads(sys.argv[1]))
