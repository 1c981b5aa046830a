"""Everything the lab speaks on its AWS port, through boto3. What is wrong is said, and the exit status is 1."""
import json, sys, urllib.request
from datetime import datetime, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

SETUP = json.loads(sys.argv[1])
ONCE = Config(retries={"total_max_attempts": 1})
UTC = timezone.utc
HOME = "arn:aws:iam::111122223333:"
wrong = []


def check(what, got, expected):
    if got != expected:
        wrong.append(f"{what}:\n  got      {got!r}\n  expected {expected!r}")


def client(service, who, lab="small", region="eu-west-1", **other):
    keys = {**SETUP[lab]["keys"][who], **other}
    return boto3.client(service, endpoint_url=SETUP[lab]["endpoint"], region_name=region, config=ONCE,
                        aws_access_key_id=keys["id"], aws_secret_access_key=keys["secret"], aws_session_token=keys["token"])


def refused(what, code, said, status, call):
    try:
        call()
        wrong.append(f"{what}: was not refused")
    except ClientError as error:
        check(what, (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]), (code, status))
        # It is of its own class where the service's model has one.
        if error.__class__ is not ClientError:
            check(what + ", class", error.__class__.__name__, code if code.endswith("Exception") else code + "Exception")
        if said not in error.response["Error"]["Message"]:
            wrong.append(f"{what}: {error.response['Error']['Message']!r} does not say {said!r}")


def paged(api, operation, member, **arguments):
    """All the items of all the pages, which are as long as the lab gives them."""
    pages = list(api.get_paginator(operation).paginate(**arguments))
    items = [item for page in pages for item in page[member]]
    for page in pages:
        if len(page[member]) > 2:
            wrong.append(f"{operation}: a page of {len(page[member])}")
    check(f"{operation}, pages", len(pages), max(1, (len(items) + 1) // 2))
    return items


eks, iam, sts = (client(service, "admin") for service in ("eks", "iam", "sts"))

# --- who am I
me = sts.get_caller_identity()
check("caller", (me["Arn"], me["UserId"], me["Account"]),
      ("arn:aws:sts::111122223333:assumed-role/admin/kim@corp.example", "AROAADMIN:kim@corp.example", "111122223333"))
check("user", client("sts", "ann").get_caller_identity()["Arn"], HOME + "user/ann")
url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
answer = json.load(urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "application/json"})))
check("presigned, JSON", answer["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["Arn"], me["Arn"])

# --- EKS: lists, their pages, and what they hold
check("clusters", paged(eks, "list_clusters", "clusters"), ["new", "old", "veiled"])
check("another region", client("eks", "admin", region="us-west-2").list_clusters()["clusters"], ["far"])
cluster = eks.describe_cluster(name="new")["cluster"]
check("created", cluster["createdAt"], datetime(2023, 11, 14, 22, 13, 20, 500000, UTC))
check("mode", cluster["accessConfig"]["authenticationMode"], "API_AND_CONFIG_MAP")
check("endpoint", cluster["endpoint"].startswith("https://127.0.0.1:"), True)
entries = paged(eks, "list_access_entries", "accessEntries", clusterName="new")
check("entries", entries, [HOME + "role/admin", HOME + "role/teams/blue/viewer", HOME + "role/limited", HOME + "user/ann",
                           "arn:aws:iam::555566667777:role/partner"])
view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
check("holders", paged(eks, "list_access_entries", "accessEntries", clusterName="new", associatedPolicyArn=view), [HOME + "role/admin"])
for arn in entries:
    check(arn, eks.describe_access_entry(clusterName="new", principalArn=arn)["accessEntry"]["principalArn"], arn)
entry = eks.describe_access_entry(clusterName="new", principalArn=HOME + "role/admin")["accessEntry"]
check("entry's username", entry["username"], "arn:aws:sts::111122223333:assumed-role/admin/{{SessionName}}")
check("entry's times", (entry["createdAt"], entry["modifiedAt"]),
      (datetime(2023, 11, 14, 22, 13, 20, 500000, UTC), datetime(2023, 11, 14, 22, 13, 21, 0, UTC)))
check("entry's members", "associatedAccessPolicies" in entry, False)
policies = paged(eks, "list_associated_access_policies", "associatedAccessPolicies", clusterName="new", principalArn=HOME + "role/admin")
check("scopes", [policy["accessScope"]["type"] for policy in policies], ["cluster", "cluster", "namespace"])
check("namespaces", policies[2]["accessScope"]["namespaces"], ["a", "b-*"])
check("associated", policies[0]["associatedAt"], datetime(2023, 11, 14, 22, 13, 21, 0, UTC))
check("policies", len(paged(eks, "list_access_policies", "accessPolicies")) > 30, True)
associations = paged(eks, "list_pod_identity_associations", "associations", clusterName="new")
check("associations", [it["associationId"] for it in associations], ["a-1", "a-2", "a-3"])
check("a summary has no role", "roleArn" in associations[0], False)
check("filtered", [it["associationId"] for it in eks.list_pod_identity_associations(clusterName="new", serviceAccount="one")["associations"]], ["a-1", "a-3"])
one = eks.describe_pod_identity_association(clusterName="new", associationId="a-1")["association"]
check("association", (one["roleArn"], one["createdAt"]), (HOME + "role/limited", datetime(2023, 11, 14, 22, 13, 20, 500000, UTC)))
check("node groups", paged(eks, "list_nodegroups", "nodegroups", clusterName="new"), ["n1", "n2", "n3"])
check("node group", eks.describe_nodegroup(clusterName="new", nodegroupName="n1")["nodegroup"]["nodeRole"], HOME + "role/node")
check("profiles", paged(eks, "list_fargate_profiles", "fargateProfileNames", clusterName="new"), ["f1", "f2", "f3"])
check("profile", eks.describe_fargate_profile(clusterName="new", fargateProfileName="f1")["fargateProfile"]["selectors"], [{"namespace": "a"}])
check("add-ons", paged(eks, "list_addons", "addons", clusterName="new"), ["vpc-cni", "coredns", "kube-proxy"])
check("add-on", eks.describe_addon(clusterName="new", addonName="vpc-cni")["addon"]["clusterName"], "new")
config = paged(eks, "list_identity_provider_configs", "identityProviderConfigs", clusterName="new")
check("provider configs", config, [{"type": "oidc", "name": "corp"}])
described = eks.describe_identity_provider_config(clusterName="new", identityProviderConfig=config[0])["identityProviderConfig"]
check("provider config", described["oidc"]["clientId"], "k8s")
capabilities = paged(eks, "list_capabilities", "capabilities", clusterName="new")
check("capabilities", [it["capabilityName"] for it in capabilities], ["argo", "ack", "kro"])
check("a summary has no role", "roleArn" in capabilities[0], False)
one = eks.describe_capability(clusterName="new", capabilityName="argo")["capability"]
check("capability", (one["type"], one["roleArn"]), ("ARGOCD", HOME + "role/node"))
check("updates", paged(eks, "list_updates", "updateIds", name="new"), ["u-1", "u-2", "u-3"])
update = eks.describe_update(name="new", updateId="u-1")["update"]
check("update", (update["type"], update["params"]), ("AccessConfigUpdate", [{"type": "AuthenticationMode", "value": "API_AND_CONFIG_MAP"}]))
check("tags of the cluster", eks.list_tags_for_resource(resourceArn=cluster["arn"])["tags"], {"env": "test"})
check("tags of an entry", eks.list_tags_for_resource(resourceArn=entry["accessEntryArn"])["tags"], {"team": "platform"})

# --- EKS: what it refuses
mode = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
refused("no cluster", "ResourceNotFoundException", "No cluster found for name: none.", 404, lambda: eks.describe_cluster(name="none"))
refused("no entry", "ResourceNotFoundException", "The specified principalArn could not be found", 404,
        lambda: eks.describe_access_entry(clusterName="new", principalArn=HOME + "role/none"))
refused("entries of aws-auth", "InvalidRequestException", mode, 400, lambda: eks.list_access_entries(clusterName="old"))
refused("an entry of aws-auth", "InvalidRequestException", mode, 400, lambda: eks.describe_access_entry(clusterName="old", principalArn=entries[0]))
refused("a token", "InvalidParameterException", "nextToken", 400, lambda: eks.list_clusters(nextToken="x"))
refused("a cluster of elsewhere", "ResourceNotFoundException", "far", 404, lambda: eks.describe_cluster(name="far"))
refused("no association", "ResourceNotFoundException", "a-9", 404, lambda: eks.describe_pod_identity_association(clusterName="new", associationId="a-9"))
refused("no capability", "ResourceNotFoundException", "c9", 404, lambda: eks.describe_capability(clusterName="new", capabilityName="c9"))
refused("no update", "ResourceNotFoundException", "u9", 404, lambda: eks.describe_update(name="new", updateId="u9"))
refused("no node group", "ResourceNotFoundException", "n9", 404, lambda: eks.describe_nodegroup(clusterName="new", nodegroupName="n9"))
refused("tags of nothing", "NotFoundException", "No resource found", 404, lambda: eks.list_tags_for_resource(resourceArn=cluster["arn"] + "x"))
refused("a section refused before", "AccessDeniedException", "eks:ListAccessEntries", 403, lambda: eks.list_access_entries(clusterName="veiled"))
refused("a section failed before", "ServerException", "it broke", 500, lambda: eks.list_addons(clusterName="veiled"))
check("an item known by name alone", eks.list_nodegroups(clusterName="veiled")["nodegroups"], ["hidden"])
refused("what was not read of it", "AccessDeniedException", "eks:DescribeNodegroup", 403,
        lambda: eks.describe_nodegroup(clusterName="veiled", nodegroupName="hidden"))

# --- whose policies refuse
limited = client("eks", "limited")
check("limited may list", limited.list_access_entries(clusterName="new")["accessEntries"], entries[:2])
who = "User: arn:aws:sts::111122223333:assumed-role/limited/lab is not authorized to perform: "
refused("not allowed", "AccessDeniedException",
        who + "eks:DescribeCluster on resource: arn:aws:eks:eu-west-1:111122223333:cluster/new because no identity-based policy allows", 403,
        lambda: limited.describe_cluster(name="new"))
refused("denied", "AccessDeniedException", who + "eks:ListAddons on resource: arn:aws:eks:eu-west-1:111122223333:cluster/new with an explicit deny",
        403, lambda: limited.list_addons(clusterName="new"))
check("limited may get", client("iam", "limited").get_role(RoleName="node")["Role"]["RoleName"], "node")
refused("IAM", "AccessDenied", who + "iam:ListRoles on resource: arn:aws:iam::111122223333:role/", 403, lambda: client("iam", "limited").list_roles())
refused("STS", "AccessDenied", who + "sts:AssumeRole on resource: " + HOME + "role/admin", 403,
        lambda: client("sts", "limited").assume_role(RoleArn=HOME + "role/admin", RoleSessionName="me"))

# --- IAM
roles = paged(iam, "list_roles", "Roles")
check("roles", [role["RoleName"] for role in roles], ["admin", "viewer", "limited", "node", "nobody"])
check("a list has no tags", "Tags" in roles[0] or "RoleLastUsed" in roles[1], False)
role = iam.get_role(RoleName="ADMIN")["Role"]
check("role", (role["Tags"], role["Description"], role["MaxSessionDuration"], role["CreateDate"]),
      ([{"Key": "team", "Value": "platform"}], "<all> & more", 3600, datetime(2023, 1, 1, tzinfo=UTC)))
check("trust", role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"], {"AWS": "*"})
check("last used", iam.get_role(RoleName="viewer")["Role"]["RoleLastUsed"]["Region"], "eu-west-1")
check("users", [user["UserName"] for user in paged(iam, "list_users", "Users")], ["ann", "bob", "cy"])
check("user's tags", iam.get_user(UserName="ann")["User"]["Tags"], [{"Key": "a", "Value": "b"}])
check("own user", client("iam", "ann").get_user()["User"]["UserId"], "AIDAANN")
check("attached", [it["PolicyName"] for it in paged(iam, "list_attached_role_policies", "AttachedPolicies", RoleName="limited")], ["local", "second", "of-aws"])
check("inline", paged(iam, "list_role_policies", "PolicyNames", RoleName="limited"), ["reads", "denies", "third"])
check("document", iam.get_role_policy(RoleName="limited", PolicyName="denies")["PolicyDocument"]["Statement"][0]["Action"], "eks:ListAddons")
check("policy", iam.get_policy(PolicyArn=HOME + "policy/local")["Policy"]["DefaultVersionId"], "v1")
check("version", iam.get_policy_version(PolicyArn=HOME + "policy/local", VersionId="v1")["PolicyVersion"]["Document"], {"Statement": []})
providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
check("providers", len(providers), 1)
check("provider", iam.get_open_id_connect_provider(OpenIDConnectProviderArn=providers[0]["Arn"])["ClientIDList"], ["sts.amazonaws.com"])
profiles = paged(iam, "list_instance_profiles", "InstanceProfiles")
check("instance profiles", [(it["InstanceProfileName"], it["Roles"][0]["RoleName"]) for it in profiles], [("node", "node")])
details = iam.get_paginator("get_account_authorization_details").paginate().build_full_result()
check("details", {name: len(details[name]) for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")},
      {"UserDetailList": 3, "GroupDetailList": 1, "RoleDetailList": 5, "Policies": 3})
check("details of a role", "Description" in details["RoleDetailList"][0], False)
check("inline in details", details["RoleDetailList"][2]["RolePolicyList"][1]["PolicyDocument"]["Statement"][0]["Effect"], "Deny")
check("profiles in details", details["RoleDetailList"][3]["InstanceProfileList"][0]["InstanceProfileId"], "AIPANODE")
filtered = iam.get_paginator("get_account_authorization_details").paginate(Filter=["LocalManagedPolicy", "Group"]).build_full_result()
check("filtered details", ([it["PolicyName"] for it in filtered["Policies"]], len(filtered["RoleDetailList"])), (["local", "second"], 0))
refused("no role", "NoSuchEntity", "The role with name none cannot be found.", 404, lambda: iam.get_role(RoleName="none"))
refused("no policy", "NoSuchEntity", "does not exist", 404, lambda: iam.get_policy(PolicyArn=HOME + "policy/none0000"))
refused("a marker", "ValidationError", "Marker", 400, lambda: iam.list_roles(Marker="x"))

# --- becoming a role
session = sts.assume_role(RoleArn=HOME + "role/teams/blue/viewer", RoleSessionName="as-viewer")
keys = {"id": session["Credentials"]["AccessKeyId"], "secret": session["Credentials"]["SecretAccessKey"], "token": session["Credentials"]["SessionToken"]}
check("assumed", client("sts", "admin", **keys).get_caller_identity()["Arn"], "arn:aws:sts::111122223333:assumed-role/viewer/as-viewer")
check("its end", 3500 < (session["Credentials"]["Expiration"] - datetime.now(UTC)).total_seconds() <= 3600, True)
for arn in ("role/none", "role/viewer"):
    refused(arn, "AccessDenied", "sts:AssumeRole", 403, lambda: sts.assume_role(RoleArn=HOME + arn, RoleSessionName="me"))

# --- keys that are none
for service, call, unknown, wrong_signature in (
    ("eks", lambda api: api.list_clusters(), "UnrecognizedClientException", "InvalidSignatureException"),
    ("iam", lambda api: api.list_roles(), "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("sts", lambda api: api.get_caller_identity(), "InvalidClientTokenId", "SignatureDoesNotMatch"),
):
    refused(service + ", another secret", wrong_signature, "does not match", 403, lambda: call(client(service, "admin", secret="x" * 40)))
    refused(service + ", no such key", unknown, "is invalid", 403, lambda: call(client(service, "ann", id="AKIAAAAAAAAAAAAAAAAA")))
    refused(service + ", another's token", unknown, "is invalid", 403, lambda: call(client(service, "admin", id=SETUP["small"]["keys"]["limited"]["id"])))
    refused(service + ", no token", unknown, "is invalid", 403, lambda: call(client(service, "admin", token=None)))

# --- the demo's world, whole, with the pages that AWS gives by default
eks, iam = client("eks", "caller", "acme"), client("iam", "caller", "acme")
for name in eks.list_clusters()["clusters"]:
    if eks.describe_cluster(name=name)["cluster"]["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        continue
    for page in eks.get_paginator("list_access_entries").paginate(clusterName=name):
        for arn in page["accessEntries"]:
            eks.describe_access_entry(clusterName=name, principalArn=arn)
            eks.list_associated_access_policies(clusterName=name, principalArn=arn)
    for association in eks.list_pod_identity_associations(clusterName=name)["associations"]:
        eks.describe_pod_identity_association(clusterName=name, associationId=association["associationId"])
details = iam.get_paginator("get_account_authorization_details").paginate().build_full_result()
check("roles of the demo, both ways", [role["Arn"] for role in details["RoleDetailList"]],
      [role["Arn"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]])
check("trust policies of the demo", all(isinstance(role["AssumeRolePolicyDocument"], dict) for role in details["RoleDetailList"]), True)

print("\n".join(wrong))
sys.exit(1 if wrong else 0)
