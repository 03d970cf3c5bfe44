"""One observation of a real worker, as the driver would ask for it."""
import json
import os
import subprocess
import sys
import tempfile

REQUEST = {"protocol": 1, "arm": "bulk", "threads": 1, "pages": "4k", "options": "-", "scale": 1.0, "cycles_per_block": 1, "blocks": 1,
           "seed": 1, "rep": 0, "order": 0, "pus": None, "input": [], "events": [], "event_group": 0, "litter": None}


def run(command, environment=None):
    """Exit code, the text of descriptor 3, stderr."""
    with tempfile.TemporaryFile() as out:
        def third():
            os.dup2(out.fileno(), 3)
            os.set_inheritable(3, True)  # it may have been 3 already
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, preexec_fn=third, close_fds=False,
                              env={**os.environ, **(environment or {})}, check=False)
        out.seek(0)
        return done.returncode, out.read().decode(), done.stderr


def observe(worker, request, environment=None):
    """The observation and stderr; ends the test when there is none. Key "pass" is named in `request`, what it leaves out is in REQUEST."""
    code, text, error = run([worker, "--observe", json.dumps({**REQUEST, **request})], environment)
    if code != 0 or not text:
        sys.exit(f"{request['scenario']} {request.get('arm', '')}: exit {code}: {error}")
    return json.loads(text), error
