"""The aws command line, started once: a server that forks for each command, so that each is a process of the same program
without its start. Usage: aws_often.py FOLDER; makes FOLDER/aws, which is called as ever, says "ready", and ends when its
standard input does, taking FOLDER along."""
import contextlib, io, json, os, select, shutil, signal, socket, stat, sys, traceback

from awscli.clidriver import create_clidriver
from awscli.customizations import assumerole
from botocore import credentials, tokens

# Where the program has its own data, as its import has found out.
DATA = os.environ["AWS_DATA_PATH"]
# Called once, with keys that are nobody's, at a port where nobody listens: it fails when all is loaded.
DRIVER = create_clidriver()
os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_MAX_ATTEMPTS="1", AWS_DEFAULT_REGION="eu-west-1",
                  AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_ENDPOINT_URL="http://127.0.0.1:1")
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    for call in (["eks", "list-clusters"], ["sts", "get-caller-identity"]):
        DRIVER.main(call)
# What it found of an environment is to be found anew.
DRIVER.session._credentials = None

CALL = """#!{python} -IS
import json, os, socket, sys
to = socket.socket(socket.AF_UNIX)
to.connect({door!r})
said = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(to, [len(said).to_bytes(4, "big")], [0, 1, 2])
to.sendall(said)
sys.exit(to.recv(1)[0])
"""

folder = sys.argv[1]
door = os.path.join(folder, "door")
aws = os.path.join(folder, "aws")
os.makedirs(folder)
with open(aws, "w") as file:
    file.write(CALL.format(python=sys.executable, door=door))
os.chmod(aws, stat.S_IRWXU)


def serve(to):
    length, fds, _, _ = socket.recv_fds(to, 4, 3)
    said = b""
    while len(said) < int.from_bytes(length, "big"):
        said += to.recv(1 << 16)
    arguments, environment, folder = json.loads(said)
    for own, given in enumerate(fds):
        os.dup2(given, own)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment, AWS_DATA_PATH=DATA)
    sys.argv = ["aws", *arguments]
    driver = DRIVER
    if os.environ.pop("AWS_OFTEN_READS_FILES", None):
        # What was found in the files of the start does not count, nor what it keeps of roles in a home directory.
        assumerole.CACHE_DIR = os.path.expanduser("~/.aws/cli/cache")
        for provider in (credentials.SSOProvider, tokens.SSOTokenProvider):
            provider._SSO_TOKEN_CACHE_DIR = os.path.expanduser("~/.aws/sso/cache")
        driver = create_clidriver()
    try:
        status = driver.main(arguments)
    except SystemExit as end:
        status = end.code or 0
    sys.stdout.flush()
    sys.stderr.flush()
    to.sendall(bytes([status]))


# Those that have ended are nobody's to wait for.
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listening = socket.socket(socket.AF_UNIX)
listening.bind(door)
listening.listen(64)
print("ready", flush=True)
while True:
    ready, _, _ = select.select([listening, sys.stdin], [], [])
    if sys.stdin in ready:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(0)
    to, _ = listening.accept()
    if os.fork() == 0:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(to)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    to.close()
