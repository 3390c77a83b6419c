from __future__ import annotations

import base64
import smtplib
import socket
import threading

import pytest

from token_vault import xoauth2

USER = "ada@contoso.example"
RESPONSE = f"user={USER}\1auth=Bearer token\1\1"


def serve(server: socket.socket, received: list[str], refuses: bool) -> None:
    connection, _ = server.accept()
    with connection, connection.makefile("rw", newline="\r\n") as lines:

        def answer(text: str) -> None:
            lines.write(f"{text}\n")
            lines.flush()

        answer("220 mail.example ESMTP")
        for line in lines:
            received.append(line.strip())
            if line.startswith("ehlo"):
                answer("250-mail.example\n250 AUTH XOAUTH2")
            elif line.startswith("AUTH") and refuses:
                answer("334 " + base64.b64encode(b'{"status":"401"}').decode())
            elif line.strip() == "":
                answer("535 5.7.3 Authentication unsuccessful")
            elif line.startswith("AUTH"):
                answer("235 2.7.0 Authentication successful")
            else:
                answer("221 2.0.0 Bye")
                return


@pytest.mark.parametrize("refuses", [False, True])
def test_smtplib_signs_in_and_ends_the_attempt_if_the_token_is_refused(refuses: bool) -> None:
    received: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server, received, refuses))
        thread.start()
        with smtplib.SMTP("127.0.0.1", server.getsockname()[1]) as smtp:
            smtp.ehlo()
            if refuses:
                with pytest.raises(smtplib.SMTPAuthenticationError):
                    smtp.auth("XOAUTH2", xoauth2(USER, "token"))
            else:
                smtp.auth("XOAUTH2", xoauth2(USER, "token"))
        thread.join()
    _, sign_in, *rest = received
    assert sign_in == "AUTH XOAUTH2 " + base64.b64encode(RESPONSE.encode()).decode()
    assert rest == (["", "QUIT"] if refuses else ["QUIT"])


def test_imaplib_gets_an_empty_answer_after_a_refusal() -> None:
    respond = xoauth2(USER, "token")
    assert (respond(b""), respond(b'{"status":"401"}')) == (RESPONSE, "")
