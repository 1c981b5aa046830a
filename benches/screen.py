#!/usr/bin/env python3
"""How much memory and processor time the screen of a large cluster takes, at most and while nothing happens.

    benches/screen.py target/release/eksplorer

Makes a world of 3,000 access entries, 20,000 service accounts and 30,000 pods, serves it with `eksplorer lab`, opens the
screen on it in a terminal of 80x24, and fails where its memory was above 300 MB once all was read. Linux only.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

MOST_MB = 300
SIZES = "--seed 1 --entries 3000 --role-bindings 4491 --service-accounts 20000 --pods 30000".split()


def busy(pid):
    """Seconds of processor time so far."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid, name):
    return int(re.search(name + r":\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) // 1024


def drain(fd, seconds):
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            os.read(fd, 65536)


def watch(binary, folder, env):
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(binary, [binary, "--state-dir", folder, "-c", "generated"], env)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.monotonic()
    last, quiet = 0.0, began
    # All is read once it has had nothing to do for a while.
    while time.monotonic() - quiet < 4:
        drain(fd, 0.2)
        now = busy(pid)
        if now - last > 0.02:
            quiet = time.monotonic()
        last = now
    most, used = megabytes(pid, "VmHWM"), last
    drain(fd, 10)
    idle = busy(pid) - used
    print(f"loaded in {quiet - began:.1f} s with {used:.2f} s of processor time; memory {most} MB at most")
    print(f"idle: {idle * 10:.1f} % of a processor; memory {megabytes(pid, 'VmRSS')} MB")
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return most


def main():
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        world = os.path.join(folder, "world.yaml")
        subprocess.run([binary, "lab", "generate", world, *SIZES], check=True)
        lab = subprocess.Popen([binary, "lab", "--world", world], stdout=subprocess.PIPE, text=True)
        try:
            env = {**os.environ, "TERM": "xterm-256color"}
            for line in lab.stdout:
                if found := re.match(r"export (\w+)='?([^'\n]*)'?", line):
                    env[found[1]] = found[2]
                if line.startswith("export KUBECONFIG"):
                    break
            most = watch(binary, folder, env)
        finally:
            lab.terminate()
            lab.wait()
    sys.exit(most > MOST_MB)


main()
