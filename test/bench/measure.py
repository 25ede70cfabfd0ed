"""Runs a command and prints what it took, as JSON. The kernel adds up what a process and those that it waited for used;
its peak is that of the largest of them.

    measure.py LIMIT COMMAND...   killed after so many seconds
"""

import json
import os
import resource
import signal
import sys
import time

null = os.open(os.devnull, os.O_RDWR)
quiet = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
# What others have written and not synced shall not be written at the expense of this one.
os.sync()
started = time.monotonic()
limit, *command = sys.argv[1:]
pid = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet, setsid=True)
signal.signal(signal.SIGALRM, lambda *_: os.killpg(pid, signal.SIGKILL))
signal.alarm(int(limit))
status = os.waitpid(pid, 0)[1]
seconds = time.monotonic() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(
    json.dumps(
        {
            "code": os.waitstatus_to_exitcode(status),
            "seconds": seconds,
            "cpu": used.ru_utime + used.ru_stime,
            "peak": used.ru_maxrss / 1024,
        }
    )
)
