"""Accepts connections on a free port of the loopback interface, which it prints, and starts a program for each with the
connection as its standard input and output, as inetd does.

    inetd.py PROGRAM ARGUMENTS...
"""

import os
import signal
import socket
import sys

listener = socket.create_server(("127.0.0.1", 0))
print("listening on port", listener.getsockname()[1], file=sys.stderr, flush=True)
# Programs that have ended leave nothing behind.
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    connection, _ = listener.accept()
    # Such programs write in small pieces: together with a client's delayed acknowledgements each would cost 40 ms.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listener.close()
        for standard in (0, 1):
            os.dup2(connection.fileno(), standard)
        os.execv(sys.argv[1], sys.argv[1:])
    connection.close()
