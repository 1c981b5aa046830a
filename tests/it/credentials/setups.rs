//! The set-ups: what is in the environment and in the two files, and who asks then, or what is said.

/// What comes of a set-up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// Whom AWS sees.
    Asks(&'static str),
    /// Nobody asks, and this is said.
    Says(&'static [&'static str]),
}

/// One set-up. `{url}` is the service, `{dir}` the home directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) name: &'static str,
    pub(super) config: &'static str,
    pub(super) credentials: &'static str,
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Arguments that both programs understand.
    pub(super) arguments: &'static [&'static str],
    pub(super) want: Want,
    /// The same can be asked of `aws`.
    pub(super) beside_aws: bool,
}

const KEYS: &str = "[default]\naws_access_key_id = AKIADEF\naws_secret_access_key = s\n\
                    [base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n";
const ENV_KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s")];

const fn row(
    name: &'static str,
    config: &'static str,
    variables: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
    want: Want,
) -> Setup {
    Setup { name, config, credentials: KEYS, variables, arguments, want, beside_aws: true }
}

const fn with(credentials: &'static str, setup: Setup) -> Setup {
    Setup { credentials, ..setup }
}

/// `aws` would ask on a terminal, wait for ever, or look into the home directory that it was started in.
const fn alone(setup: Setup) -> Setup {
    Setup { beside_aws: false, ..setup }
}

use Want::{Asks, Says};

const A: &[&str] = &["--profile", "a"];
const ROLE_A: &str =
    "[profile base]\n[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n";

pub(super) const SETUPS: &[Setup] = &[
    // Which profile.
    row("nothing is said", "", &[], &[], Asks("AKIADEF")),
    row("AWS_PROFILE", "", &[("AWS_PROFILE", "base")], &[], Asks("AKIABASE")),
    row("AWS_DEFAULT_PROFILE", "", &[("AWS_DEFAULT_PROFILE", "base")], &[], Asks("AKIABASE")),
    row("both variables", ROLE_A, &[("AWS_PROFILE", "base"), ("AWS_DEFAULT_PROFILE", "a")], &[], Asks("a.by-AKIABASE")),
    row("a flag before the variable", ROLE_A, &[("AWS_PROFILE", "a")], &["--profile", "base"], Asks("AKIABASE")),
    row("AWS_PROFILE is empty", "", &[("AWS_PROFILE", "")], &[], Says(&["no profile \"\" (AWS_PROFILE)", "unset"])),
    row(
        "a slip",
        "",
        &[("AWS_PROFILE", "bsae")],
        &[],
        Says(&["\"bsae\" (AWS_PROFILE)", "{dir}/.aws/config", "mean \"base\""]),
    ),
    row("a slip beside keys", "", &[("AWS_PROFILE", "x"), ENV_KEYS[0], ENV_KEYS[1]], &[], Says(&["no profile \"x\""])),
    row("a flag's slip", "", &[], &["--profile", "bas"], Says(&["no profile \"bas\"", "mean \"base\""])),
    row("profile is missing in the head", "[a]\nregion = eu-west-1\n", &[], A, Says(&["write [profile a]"])),
    with(
        "",
        row("AWS_PROFILE=default, no files", "", &[("AWS_PROFILE", "default")], &[], Says(&["no profile \"default\""])),
    ),
    row(
        "a name with blanks",
        "[profile \"two words\"]\naws_access_key_id = AKIATWO\naws_secret_access_key = s\n",
        &[],
        &["--profile", "two words"],
        Asks("AKIATWO"),
    ),
    row(
        "a name in single quotes",
        "[profile 'o n e']\naws_access_key_id = AKIAONE\naws_secret_access_key = s\n",
        &[],
        &["--profile", "o n e"],
        Asks("AKIAONE"),
    ),
    row(
        "files elsewhere",
        "",
        &[("AWS_CONFIG_FILE", "{dir}/c"), ("AWS_SHARED_CREDENTIALS_FILE", "{dir}/k")],
        &[],
        Asks("AKIAELSE"),
    ),
    row("files elsewhere, with ~", "", &[("AWS_SHARED_CREDENTIALS_FILE", "~/k")], &[], Asks("AKIAELSE")),
    row(
        "a file that is not there",
        "",
        &[("AWS_SHARED_CREDENTIALS_FILE", "{dir}/none")],
        &[],
        Says(&["neither environment, profile"]),
    ),
    // Keys.
    row("keys of the environment", "", &ENV_KEYS, &[], Asks("AKIAENV")),
    row("keys before AWS_PROFILE", "", &[("AWS_PROFILE", "base"), ENV_KEYS[0], ENV_KEYS[1]], &[], Asks("AKIAENV")),
    row("a flag before keys", "", &ENV_KEYS, &["--profile", "base"], Asks("AKIABASE")),
    row("a key id alone", "", &[ENV_KEYS[0]], &[], Says(&["half a key pair", "AWS_SECRET_ACCESS_KEY"])),
    row("a secret alone", "", &[ENV_KEYS[1]], &[], Asks("AKIADEF")),
    row("an empty key id", "", &[("AWS_ACCESS_KEY_ID", ""), ENV_KEYS[1]], &[], Asks("AKIADEF")),
    row("a session token", "", &[ENV_KEYS[0], ENV_KEYS[1], ("AWS_SESSION_TOKEN", "tok")], &[], Asks("AKIAENV+tok")),
    row(
        "the older name goes first",
        "",
        &[ENV_KEYS[0], ENV_KEYS[1], ("AWS_SESSION_TOKEN", "new"), ("AWS_SECURITY_TOKEN", "old")],
        &[],
        Asks("AKIAENV+old"),
    ),
    with(
        "[default]\naws_access_key_id = AKIADEF\n",
        row("half a pair in a file", "", &[], &[], Says(&["half a key pair", "\"default\" in {dir}/.aws/credentials"])),
    ),
    with("[default]\naws_secret_access_key = s\n", row("the other half", "", &[], &[], Says(&["neither environment"]))),
    with(
        "[default]\naws_access_key_id = AKIADEF\naws_secret_access_key = s\naws_session_token = tok\n",
        row("a session token in a file", "", &[], &[], Asks("AKIADEF+tok")),
    ),
    row(
        "keys in both files",
        "[profile base]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n",
        &[],
        &["--profile", "base"],
        Asks("AKIABASE"),
    ),
    row(
        "keys in the configuration file",
        "[profile a]\naws_access_key_id = AKIACONF\naws_secret_access_key = s\n",
        &[],
        A,
        Asks("AKIACONF"),
    ),
    with("", row("nothing anywhere", "", &[], &[], Says(&["neither environment, profile"]))),
    // Roles.
    row("a role", ROLE_A, &[], A, Asks("a.by-AKIABASE")),
    row(
        "a role and keys of the environment",
        ROLE_A,
        &[("AWS_PROFILE", "a"), ENV_KEYS[0], ENV_KEYS[1]],
        &[],
        Asks("AKIAENV"),
    ),
    row(
        "a chain",
        "[profile b]\nrole_arn = arn:aws:iam::111122223333:role/b\nsource_profile = base\n[profile a]\n\
        role_arn = arn:aws:iam::111122223333:role/a\nsource_profile = b\n",
        &[],
        A,
        Asks("a.by-b.by-AKIABASE"),
    ),
    row(
        "all that a role can have",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
        external_id = ext\nrole_session_name = jane\nduration_seconds = 900\n",
        &[],
        A,
        Asks("a.by-AKIABASE.named-jane.external-ext.for-900"),
    ),
    row(
        "a duration that is none",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
        duration_seconds = 1h\n",
        &[],
        A,
        Asks("a.by-AKIABASE"),
    ),
    row(
        "the source is missing",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = zzz\n",
        &[],
        A,
        Says(&["profile \"a\" in {dir}/.aws/config: its source_profile is missing", "\"zzz\""]),
    ),
    row(
        "no source",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\n",
        &[],
        A,
        Says(&["neither source_profile nor credential_source"]),
    ),
    row(
        "two sources",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
        credential_source = Environment\n",
        &[],
        A,
        Says(&["both source_profile and credential_source"]),
    ),
    row(
        "a circle",
        "[profile b]\nrole_arn = arn:aws:iam::111122223333:role/b\nsource_profile = a\n[profile a]\n\
        role_arn = arn:aws:iam::111122223333:role/a\nsource_profile = b\n",
        &[],
        A,
        Says(&["a → b → a"]),
    ),
    row(
        "a circle of one",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = a\n",
        &[],
        A,
        Says(&["a → a"]),
    ),
    row(
        "its own keys",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = a\n\
        aws_access_key_id = AKIAOWN\naws_secret_access_key = s\n",
        &[],
        A,
        Asks("a.by-AKIAOWN"),
    ),
    row(
        "a source without credentials",
        "[profile b]\nregion = eu-west-1\n[profile a]\n\
        role_arn = arn:aws:iam::111122223333:role/a\nsource_profile = b\n",
        &[],
        A,
        Says(&["its source_profile has no credentials", "\"b\""]),
    ),
    row(
        "refused by STS",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/denied\nsource_profile = base\n",
        &[],
        A,
        Says(&["sts:AssumeRole is refused", "AccessDenied", "profile \"a\"", "AKIABASE is not authorized"]),
    ),
    row(
        "from the environment",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\ncredential_source = Environment\n",
        &ENV_KEYS,
        A,
        Asks("a.by-AKIAENV"),
    ),
    row(
        "from an environment that has none",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\n\
        credential_source = Environment\n",
        &[],
        A,
        Says(&["credential_source", "has none"]),
    ),
    row(
        "from the container",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\n\
        credential_source = EcsContainer\n",
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{url}/ecs")],
        A,
        Asks("a.by-ASIACONTAINER+t"),
    ),
    row(
        "from the instance",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\n\
        credential_source = Ec2InstanceMetadata\n",
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{url}"), ("AWS_EC2_METADATA_DISABLED", "false")],
        A,
        Asks("a.by-ASIAINSTANCE+t"),
    ),
    row(
        "from nowhere known",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\ncredential_source = ec2\n",
        &[],
        A,
        Says(&["credential_source \"ec2\" is not valid", "Ec2InstanceMetadata"]),
    ),
    // MFA.
    alone(row(
        "a code is needed",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
        mfa_serial = arn:aws:iam::111122223333:mfa/jane\n",
        &[],
        A,
        Says(&["mfa/jane", "--mfa-code"]),
    )),
    alone(row(
        "a code is given",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
        mfa_serial = arn:aws:iam::111122223333:mfa/jane\n",
        &[],
        &["--profile", "a", "--mfa-code", "123456"],
        Asks("a.by-AKIABASE.mfa-jane.code-123456"),
    )),
    // Web identity.
    row(
        "a token file",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/w\nweb_identity_token_file = {dir}/token\n",
        &[],
        A,
        Asks("w.by-nobody.token-jwt1"),
    ),
    row(
        "a token file of the environment",
        "",
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "{dir}/token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/w"),
            ("AWS_ROLE_SESSION_NAME", "pod"),
        ],
        &[],
        Asks("w.by-nobody.named-pod.token-jwt1"),
    ),
    row(
        "a flag before the token file",
        "",
        &[("AWS_WEB_IDENTITY_TOKEN_FILE", "{dir}/token"), ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/w")],
        &["--profile", "base"],
        Asks("AKIABASE"),
    ),
    row(
        "a token file without role",
        "",
        &[("AWS_WEB_IDENTITY_TOKEN_FILE", "{dir}/token")],
        &[],
        Says(&["but no role", "AWS_ROLE_ARN"]),
    ),
    row(
        "a token file that is not there",
        "",
        &[("AWS_WEB_IDENTITY_TOKEN_FILE", "{dir}/none"), ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/w")],
        &[],
        Says(&["{dir}/none", "cannot be read"]),
    ),
    // Programs.
    row("a program", "[profile a]\ncredential_process = cat {dir}/printed\n", &[], A, Asks("AKIAPROC")),
    row(
        "a program with quotes",
        "[profile a]\ncredential_process = sh -c \"cat '{dir}/printed'\"\n",
        &[],
        A,
        Asks("AKIAPROC"),
    ),
    row(
        "a program as the source",
        "[profile p]\ncredential_process = cat {dir}/printed\n[profile a]\n\
        role_arn = arn:aws:iam::111122223333:role/a\nsource_profile = p\n",
        &[],
        A,
        Asks("a.by-AKIAPROC"),
    ),
    row(
        "a program beside keys",
        "[profile base]\ncredential_process = cat {dir}/printed\n",
        &[],
        &["--profile", "base"],
        Asks("AKIABASE"),
    ),
    row(
        "a program that fails",
        "[profile a]\ncredential_process = sh -c 'echo sign in first >&2; exit 3'\n",
        &[],
        A,
        Says(&["credential_process of profile \"a\" failed (exit status 3)", "sign in first"]),
    ),
    row(
        "a program that is not there",
        "[profile a]\ncredential_process = {dir}/none\n",
        &[],
        A,
        Says(&["credential_process of profile \"a\" could not be started"]),
    ),
    row(
        "a program that prints nothing",
        "[profile a]\ncredential_process = true\n",
        &[],
        A,
        Says(&["printed nothing"]),
    ),
    row(
        "a program that prints something else",
        "[profile a]\ncredential_process = echo hunter2\n",
        &[],
        A,
        Says(&["something else than credentials"]),
    ),
    row(
        "a program of another version",
        "[profile a]\ncredential_process = echo '{\"Version\":2}'\n",
        &[],
        A,
        Says(&["Version 2"]),
    ),
    row(
        "expired credentials",
        "[profile a]\ncredential_process = cat {dir}/expired\n",
        &[],
        A,
        Says(&["printed credentials that have expired already (at 2020-01-01T00:00:00Z"]),
    ),
    alone(row(
        "a program that asks on the terminal",
        "[profile a]\ncredential_process = sh -c 'read x </dev/tty || exit 4'\n",
        &[],
        A,
        Says(&["exit status", "/dev/tty"]),
    )),
    // IAM Identity Center and aws login.
    alone(row(
        "signed in",
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp\n[profile a]\n\
        sso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Admin\n",
        &[],
        A,
        Asks("ASIASSOAdmin+t"),
    )),
    alone(row(
        "not signed in",
        "[sso-session other]\nsso_region = eu-west-1\nsso_start_url = https://other\n[profile a b]\n\
        [profile 'a b']\nsso_session = other\nsso_account_id = 111122223333\nsso_role_name = Admin\n",
        &[],
        &["--profile", "a b"],
        Says(&["nobody is signed in to https://other", "Sign in: aws sso login --profile 'a b'"]),
    )),
    row(
        "no such session",
        "[profile a]\nsso_session = zzz\nsso_account_id = 1\nsso_role_name = r\n",
        &[],
        A,
        Says(&["no [sso-session zzz]"]),
    ),
    row(
        "a part is missing",
        "[profile a]\nsso_account_id = 1\nsso_role_name = r\nsso_region = eu-west-1\n",
        &[],
        A,
        Says(&["sso_start_url is missing"]),
    ),
    row(
        "two regions",
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp\n[profile a]\n\
        sso_region = us-east-1\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n",
        &[],
        A,
        Says(&["sso_region differs"]),
    ),
    row(
        "aws login",
        "[profile a]\nlogin_session = arn:aws:iam::111122223333:user/jane\n",
        &[],
        A,
        Says(&["Sign in: aws login --profile a"]),
    ),
    // Containers and instances.
    with(
        "",
        row("a container", "", &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{url}/ecs")], &[], Asks("ASIACONTAINER+t")),
    ),
    with(
        "",
        row(
            "an instance",
            "",
            &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{url}"), ("AWS_EC2_METADATA_DISABLED", "false")],
            &[],
            Asks("ASIAINSTANCE+t"),
        ),
    ),
    with(
        "",
        row(
            "an instance that is not to be asked",
            "",
            &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{url}")],
            &[],
            Says(&["neither environment"]),
        ),
    ),
    // How the files are written.
    row("a line that is none", "[default]\nregion eu-west-1\n", &[], &[], Says(&["{dir}/.aws/config, line 2: "])),
    row("a section twice", "[profile a]\n[profile b]\n[profile a]\n", &[], &[], Says(&["config, line 3: ", "twice"])),
    row(
        "a setting twice",
        "[default]\nregion = a\nregion = b\n",
        &[],
        &[],
        Says(&["config, line 3: region is set twice"]),
    ),
    row("no section", "region = eu-west-1\n", &[], &[], Says(&["config, line 1: ", "before the first"])),
    row(
        "a mistake goes before all else",
        "[default]\nx\n",
        &[("AWS_PROFILE", "none"), ENV_KEYS[0]],
        &[],
        Says(&["config, line 2: "]),
    ),
    with("[default]\nx\n", row("a mistake in the other file", "", &[], &[], Says(&["credentials, line 2: "]))),
    row(
        "capitals, colons and comments",
        "# c\n; c\n[profile a]\nAWS_Access_Key_ID: AKIACAP\naws_secret_access_key : s\n",
        &[],
        A,
        Asks("AKIACAP"),
    ),
    // Endpoints and authorities.
    row(
        "an endpoint of the profile",
        "[profile a]\nendpoint_url = {url}\naws_access_key_id = AKIAEND\n\
        aws_secret_access_key = s\n",
        &[("AWS_ENDPOINT_URL", "")],
        A,
        Asks("AKIAEND"),
    ),
    row(
        "an endpoint of the service",
        "[services dev]\neks =\n  endpoint_url = {url}\n[profile a b]\n[profile \"b c\"]\n\
        services = dev\naws_access_key_id = AKIASVC\naws_secret_access_key = s\n",
        &[("AWS_ENDPOINT_URL", "")],
        &["--profile", "b c"],
        Asks("AKIASVC"),
    ),
    row(
        "AWS_ENDPOINT_URL_EKS",
        "",
        &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_ENDPOINT_URL_EKS", "{url}")],
        &[],
        Asks("AKIADEF"),
    ),
    row(
        "a bundle that is not there",
        "",
        &[("AWS_ENDPOINT_URL", "https://localhost:9"), ("AWS_CA_BUNDLE", "{dir}/none")],
        &[],
        Says(&["{dir}/none (AWS_CA_BUNDLE)"]),
    ),
    row(
        "ca_bundle that is not there",
        "[default]\nca_bundle = {dir}/none\n",
        &[("AWS_ENDPOINT_URL", "https://localhost:9")],
        &[],
        Says(&["{dir}/none (ca_bundle of the profile)"]),
    ),
];
