"""Turns into the command given to it, having arranged that the command ends when the process that asked for it does.

Run as a program: `lifeline.py <kernel|pipe> <pid of the parent> <command> ...`. Its standard input is a pipe whose other end only the parent holds.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    means, parent, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    if means == "kernel":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked to be told
            sys.exit(1)
    else:
        command_pid = os.getpid()
        if os.fork() == 0:
            os.setsid()
            os.read(0, 1)  # returns when the parent's end of the pipe closes
            if os.getppid() == command_pid:  # else it ended by itself, and its number may belong to another
                os.kill(command_pid, signal.SIGTERM)
            os._exit(0)
    os.execv(command[0], command)  # noqa: S606 - the command is our own


if __name__ == "__main__":
    main()
