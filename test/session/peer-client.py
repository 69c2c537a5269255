"""Runs Debian's fail2ban-client again and again without starting Python anew: each command in a forked child.

Reads one JSON object a line, {"argv": [...], "stdin": "..."}, and answers with {"code": ..., "stdout": ..., "stderr": ...}.
"""
import json
import os
import sys
import tempfile

from fail2ban.client import fail2banclient, fail2banserver


def in_child(argv, files):
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
    sys.argv = argv
    code = 0
    try:
        (fail2banserver if argv[0].endswith("server") else fail2banclient).exec_command_line(argv)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        sys.stderr.write("peer-client: %r\n" % error)
        code = 99
    for stream in (sys.stdout, sys.stderr):
        # The client closes them at its end.
        if not stream.closed:
            stream.flush()
    os._exit(code)


for line in sys.stdin:
    request = json.loads(line)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(request["stdin"].encode())
        given.seek(0)
        child = os.fork()
        if child == 0:
            in_child(request["argv"], (given, out, err))
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "stdout": out.read().decode(errors="replace"),
            "stderr": err.read().decode(errors="replace"),
        }
    sys.__stdout__.write(json.dumps(answer) + "\n")
    sys.__stdout__.flush()
