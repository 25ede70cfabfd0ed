"""on-terminal.py ROWS COLUMNS PROGRAM ARGUMENT…: runs a program on a terminal of that size, and passes on what it shows.

What comes from stdin is typed in, once it has shown something."""

import fcntl
import os
import pty
import struct
import sys
import termios

rows, columns = int(sys.argv[1]), int(sys.argv[2])
ready, tell = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.read(ready, 1)
    os.execvp(sys.argv[3], sys.argv[3:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
os.write(tell, b"x")
typed = sys.stdin.buffer.read()
try:
    while shown := os.read(terminal, 65536):
        os.write(1, shown)
        os.write(terminal, typed)
        typed = b""
except OSError:
    pass  # It has ended.
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
