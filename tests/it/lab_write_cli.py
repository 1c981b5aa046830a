"""Every write of the lab through the aws command line, read back with it. What is wrong is said, and the exit status is 1."""
import contextlib, io, json, os, sys

SETUP = json.loads(sys.argv[1])
os.environ.update(AWS_ENDPOINT_URL=SETUP["endpoint"], AWS_DEFAULT_REGION="eu-west-1", AWS_ACCESS_KEY_ID=SETUP["keys"]["id"],
                  AWS_SECRET_ACCESS_KEY=SETUP["keys"]["secret"], AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
os.environ.pop("AWS_SESSION_TOKEN", None)
if SETUP["keys"]["token"]:
    os.environ["AWS_SESSION_TOKEN"] = SETUP["keys"]["token"]

from awscli.clidriver import create_clidriver

DRIVER = create_clidriver()
ROLE = "arn:aws:iam::111122223333:role/nobody"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
wrong = []


def aws(operation, *arguments, cluster=True):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = DRIVER.main(["eks", operation, *(("--cluster-name", "new") if cluster else ()), *arguments, "--output", "json"])
    if status != 0:
        wrong.append(f"{operation}: status {status}: {err.getvalue()}")
        return {}
    return json.loads(out.getvalue() or "{}")


def check(what, got, expected):
    if got != expected:
        wrong.append(f"{what}:\n  got      {got!r}\n  expected {expected!r}")


def entry():
    return aws("describe-access-entry", "--principal-arn", ROLE).get("accessEntry", {})


def policies():
    return aws("list-associated-access-policies", "--principal-arn", ROLE).get("associatedAccessPolicies", [])


made = aws("create-access-entry", "--principal-arn", ROLE, "--kubernetes-groups", "devs", "ops", "--username", "dev:{{SessionName}}",
           "--tags", "k=v")["accessEntry"]
check("created", entry(), made)
aws("update-access-entry", "--principal-arn", ROLE, "--kubernetes-groups", "devs")
check("updated", (entry()["kubernetesGroups"], entry()["username"]), (["devs"], "arn:aws:sts::111122223333:assumed-role/nobody/{{SessionName}}"))
aws("update-access-entry", "--principal-arn", ROLE, "--kubernetes-groups")
check("cleared", entry()["kubernetesGroups"], [])
arn = made["accessEntryArn"]
aws("tag-resource", "--resource-arn", arn, "--tags", "a=b,k=w", cluster=False)
check("tagged", entry()["tags"], {"a": "b", "k": "w"})
aws("untag-resource", "--resource-arn", arn, "--tag-keys", "k", "none", cluster=False)
check("untagged", aws("list-tags-for-resource", "--resource-arn", arn, cluster=False)["tags"], {"a": "b"})
aws("associate-access-policy", "--principal-arn", ROLE, "--policy-arn", VIEW, "--access-scope", "type=cluster")
aws("associate-access-policy", "--principal-arn", ROLE, "--policy-arn", VIEW, "--access-scope", "type=namespace,namespaces=a,b-*")
check("associated", [it["accessScope"] for it in policies()], [{"type": "namespace", "namespaces": ["a", "b-*"]}])
aws("disassociate-access-policy", "--principal-arn", ROLE, "--policy-arn", VIEW)
check("disassociated", policies(), [])
aws("delete-access-entry", "--principal-arn", ROLE)
check("deleted", ROLE in aws("list-access-entries")["accessEntries"], False)

pod = aws("create-pod-identity-association", "--namespace", "a", "--service-account", "x", "--role-arn", ROLE)["association"]
one = ("--association-id", pod["associationId"])
check("association", aws("describe-pod-identity-association", *one)["association"], pod)
aws("update-pod-identity-association", *one, "--role-arn", "arn:aws:iam::111122223333:role/node", "--disable-session-tags")
pod = aws("describe-pod-identity-association", *one)["association"]
check("changed", (pod["roleArn"], pod["disableSessionTags"]), ("arn:aws:iam::111122223333:role/node", True))
check("deleted", aws("delete-pod-identity-association", *one)["association"]["associationId"], pod["associationId"])
check("gone", aws("list-pod-identity-associations", "--service-account", "x")["associations"], [])

print("\n".join(wrong))
sys.exit(1 if wrong else 0)
