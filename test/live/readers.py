"""Readers of mail that share no code with popferry. For each message they print the SHA-256 of its octets with CRLF, and
the SHA-256 of what Dovecot can show of a stored copy (see `shown`), and of what IMAP servers leave alone (see `loose`).

    readers.py pop3 PORT CA USER        lock-step over TLS
    readers.py pop3-plain PORT USER COMMANDS...   lock-step without TLS; commands such as UTF8 come before the sign-in
    readers.py pop3-mbox PORT CA USER   the same for a user whose mail is in an mboxrd file
    readers.py imap PORT CA USER FOLDER  over STARTTLS, or with - for CA without; also prints date and flags
    readers.py maildir PATH
    readers.py mbox PATH                mboxrd
"""

import base64
import hashlib
import imaplib
import mailbox
import re
import socket
import ssl
import sys
import time


def pop3(port, ca, user):
    context = ssl.create_default_context(cafile=ca)
    plain = socket.create_connection(("127.0.0.1", int(port)))
    with context.wrap_socket(plain, server_hostname="localhost") as connection:
        yield from maildrop(connection, user)


def pop3_plain(port, user, *commands):
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        yield from maildrop(connection, user, commands)


def maildrop(connection, user, commands=()):
    replies = connection.makefile("rb")

    def ask(command):
        connection.sendall(command.encode() + b"\r\n")
        return status()

    def status():
        line = replies.readline()
        if not line.startswith(b"+OK"):
            raise SystemExit(f"unexpected reply: {line!r}")
        return line

    status()
    for command in (*commands, f"USER {user}", "PASS secret"):
        ask(command)
    count = int(ask("STAT").split()[1])
    # GNU Mailutils adds the ids to the messages once they were asked for.
    ask("UIDL")
    body(replies)
    for number in range(1, count + 1):
        ask(f"RETR {number}")
        yield body(replies)
    ask("QUIT")


def body(replies):
    lines = []
    at_start = True
    while True:
        line = replies.readline()
        if not line:
            raise SystemExit("the connection ended inside a message")
        if at_start and line == b".\r\n":
            return b"".join(lines)
        lines.append(line[1:] if at_start and line.startswith(b"..") else line)
        at_start = line.endswith(b"\r\n")


def imap(port, ca, user, folder):
    client = imaplib.IMAP4("127.0.0.1", int(port))
    if ca != "-":
        client.starttls(ssl.create_default_context(cafile=ca))
    client.login(user, "secret")
    kind, (names,) = client.namespace()
    prefix, separator = re.match(rb'\(\("([^"]*)" "([^"]*)"', names).groups()
    path = separator.decode().join(map(utf7, folder.split("/")))
    if not path.upper().startswith(prefix.decode().upper()):
        path = prefix.decode() + path
    kind, (count,) = client.select(f'"{path}"', readonly=True)
    if kind != "OK":
        raise SystemExit(f"{path}: {count!r}")
    for first in range(1, int(count) + 1, 50):
        last = min(first + 49, int(count))
        kind, found = client.fetch(f"{first}:{last}", "(FLAGS INTERNALDATE BODY.PEEK[])")
        for index, one in enumerate(found):
            if not isinstance(one, tuple):
                continue
            # What follows the body may hold the rest.
            about = one[0] + b" " + (found[index + 1] if isinstance(found[index + 1], bytes) else b"")
            date = int(time.mktime(imaplib.Internaldate2tuple(about)))
            facts.append((date, b",".join(imaplib.ParseFlags(about)).decode()))
            yield one[1]
    client.logout()


facts = []


def utf7(text):
    """RFC 3501, 5.1.3."""
    pieces = re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", text)
    encode = lambda wide: "&" + base64.b64encode(wide.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
    return "".join(piece.replace("&", "&-") if piece.isascii() else encode(piece) for piece in pieces)


def maildir(path):
    box = mailbox.Maildir(path, create=False)
    for key in box.iterkeys():
        yield crlf(box.get_bytes(key))


def mbox(path):
    box = mailbox.mbox(path, create=False)
    for key in box.iterkeys():
        yield crlf(unquoted(box.get_bytes(key)))


def crlf(octets):
    return octets.replace(b"\n", b"\r\n")


def shown(octets):
    """What Dovecot can show of a copy with LF line ends, in an mbox too: where CRs stand before a line end it takes them
    for a part of it, and of the header it hides the lines in which it keeps its own notes about a message."""
    octets = re.sub(rb"\r+\n", b"\r\n", octets)
    header, blank, text = octets.partition(b"\r\n\r\n")
    return notes.sub(b"", header + b"\r\n") + blank[2:] + text


notes = re.compile(
    rb"^(Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length):.*\r\n([ \t].*\r\n)*", re.I | re.M
)


def loose(octets):
    """Without what IMAP servers change: line ends, in which Courier counts a lone CR, and NUL."""
    return re.sub(rb"[\r\n]", b"", octets).replace(b"\0", b"\x80")


def unquoted(octets):
    return re.sub(rb"^>(>*From )", rb"\1", octets, flags=re.M)


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


readers = {
    "pop3": pop3,
    "pop3-mbox": lambda *where: map(unquoted, pop3(*where)),
    "pop3-plain": pop3_plain,
    "imap": imap,
    "maildir": maildir,
    "mbox": mbox,
}
kind, *arguments = sys.argv[1:]
for octets in readers[kind](*arguments):
    print(digest(octets), digest(shown(octets)), digest(loose(octets)), *(facts[-1] if facts else ()))
