"""The lab's writes through boto3, each error being of its own class. What is wrong is said, and the exit status is 1."""
import json, sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

SETUP = json.loads(sys.argv[1])
ONCE = Config(retries={"total_max_attempts": 1})
HOME = "arn:aws:iam::111122223333:"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
wrong = []


def client(who):
    keys = SETUP["keys"][who]
    return boto3.client("eks", endpoint_url=SETUP["endpoint"], region_name="eu-west-1", config=ONCE,
                        aws_access_key_id=keys["id"], aws_secret_access_key=keys["secret"], aws_session_token=keys["token"])


eks, limited = client("admin"), client("limited")


def check(what, got, expected):
    if got != expected:
        wrong.append(f"{what}:\n  got      {got!r}\n  expected {expected!r}")


def raises(what, code, status, said, call, **arguments):
    try:
        call(**arguments)
        wrong.append(f"{what}: was not refused")
    except ClientError as error:
        meta = error.response["ResponseMetadata"]
        check(what, (error.response["Error"]["Code"], meta["HTTPStatusCode"]), (code, status))
        check(what + ", header", meta["HTTPHeaders"].get("x-amzn-errortype"), code)
        if hasattr(eks.exceptions, code):
            check(what + ", class", error.__class__, getattr(eks.exceptions, code))
        if said not in error.response["Error"]["Message"]:
            wrong.append(f"{what}: {error.response['Error']['Message']!r} does not say {said!r}")


nobody, node, new = HOME + "role/nobody", HOME + "role/node", {"clusterName": "new"}
made = eks.create_access_entry(**new, principalArn=nobody, kubernetesGroups=["devs"], username="dev:{{SessionName}}",
                               tags={"k": "v"})["accessEntry"]
check("made", (made["kubernetesGroups"], made["username"], made["type"], made["tags"], made["createdAt"] == made["modifiedAt"]),
      (["devs"], "dev:{{SessionName}}", "STANDARD", {"k": "v"}, True))
check("read back", eks.describe_access_entry(**new, principalArn=nobody)["accessEntry"], made)
check("listed", nobody in eks.list_access_entries(**new)["accessEntries"], True)
associated = eks.associate_access_policy(**new, principalArn=nobody, policyArn=VIEW,
                                         accessScope={"type": "namespace", "namespaces": ["a", "b-*"]})
check("associated", (associated["clusterName"], associated["principalArn"], associated["associatedAccessPolicy"]["accessScope"]),
      ("new", nobody, {"type": "namespace", "namespaces": ["a", "b-*"]}))
check("policies", eks.list_associated_access_policies(**new, principalArn=nobody)["associatedAccessPolicies"],
      [associated["associatedAccessPolicy"]])
check("a node's", eks.create_access_entry(**new, principalArn=node, type="EC2_LINUX")["accessEntry"]["kubernetesGroups"], ["system:nodes"])

create, update = eks.create_access_entry, eks.update_access_entry
mode = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
raises("twice", "ResourceInUseException", 409, "The specified access entry resource is already in use on this cluster.", create, **new, principalArn=nobody)
raises("no such role", "InvalidParameterException", 400, "The specified principalArn is invalid: invalid principal.", create, **new,
       principalArn=HOME + "role/none")
raises("masters", "InvalidParameterException", 400, "The kubernetes group name system:masters is invalid, it cannot start with system:", update,
       **new, principalArn=nobody, kubernetesGroups=["system:masters"])
raises("a node's username", "InvalidParameterException", 400, "The username must not begin with system:", update, **new, principalArn=node,
       username="system:node:{{EC2PrivateDNSName}}")
raises("a service's role", "InvalidParameterException", 400, "with a principalArn value of a Service Linked Role", create, **new,
       principalArn=HOME + "role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX")
raises("mode", "InvalidRequestException", 400, mode, create, clusterName="old", principalArn=nobody)
raises("no cluster", "ResourceNotFoundException", 404, "No cluster found for name: none.", create, clusterName="none", principalArn=nobody)
raises("no entry", "ResourceNotFoundException", 404, "The specified principalArn could not be found", eks.delete_access_entry, **new,
       principalArn=HOME + "role/none")
raises("not allowed", "AccessDeniedException", 403, "is not authorized to perform: eks:DeleteAccessEntry on resource", limited.delete_access_entry,
       **new, principalArn=nobody)
raises("a scope", "InvalidParameterException", 400, "must have namespaces", eks.associate_access_policy, **new, principalArn=nobody,
       policyArn=VIEW, accessScope={"type": "namespace"})
raises("not associated", "ResourceNotFoundException", 404, "is not associated", eks.disassociate_access_policy, **new, principalArn=nobody,
       policyArn=VIEW.replace("View", "Edit"))
raises("no association", "ResourceNotFoundException", 404, "a-9", eks.update_pod_identity_association, **new, associationId="a-9")
raises("associated twice", "ResourceInUseException", 409, "Association already exists: a-1", eks.create_pod_identity_association, **new,
       namespace="a", serviceAccount="one", roleArn=HOME + "role/limited")
raises("trust", "InvalidParameterException", 400, "Trust policy of the role provided is invalid", eks.create_pod_identity_association, **new,
       namespace="a", serviceAccount="x", roleArn=HOME + "role/admin")
raises("tags of nothing", "NotFoundException", 404, "No resource found", eks.tag_resource, resourceArn=made["accessEntryArn"] + "x", tags={"a": "b"})
raises("AWS's tags", "BadRequestException", 400, "aws:", eks.tag_resource, resourceArn=made["accessEntryArn"], tags={"aws:a": "b"})

print("\n".join(wrong))
sys.exit(1 if wrong else 0)
