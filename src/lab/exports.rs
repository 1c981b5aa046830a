//! What points the ordinary clients at a lab: lines for a shell, and a kubeconfig.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use super::keys::Credentials;
use super::world::World;

/// Lines that a shell can source.
pub(super) fn shell(endpoint: &str, region: &str, credentials: &Credentials, kubeconfig: &Path) -> String {
    // A profile, or an endpoint of one service, would win over what is exported here.
    let mut lines = vec![
        "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_IGNORE_CONFIGURED_ENDPOINT_URLS \
         AWS_ENDPOINT_URL_EKS AWS_ENDPOINT_URL_IAM AWS_ENDPOINT_URL_STS"
            .to_owned(),
    ];
    let kubeconfig = kubeconfig.display().to_string();
    let environment = environment(endpoint, region, credentials);
    let all =
        environment.iter().map(|(name, value)| (*name, value.as_str())).chain([("KUBECONFIG", kubeconfig.as_str())]);
    lines.extend(all.map(|(name, value)| format!("export {name}={}", quoted(value))));
    lines.join("\n") + "\n"
}

fn environment(endpoint: &str, region: &str, credentials: &Credentials) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.clone()),
    ];
    environment.extend(credentials.session_token.clone().map(|token| ("AWS_SESSION_TOKEN", token)));
    environment
}

/// In single quotes, unless nothing in it means anything to a shell.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+@%,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

/// A kubeconfig with a context per cluster, its token from `aws eks get-token`. It carries the caller's credentials,
/// so that it works by itself; they are worth nothing outside the lab. JSON, which is YAML.
pub(super) fn kubeconfig(world: &World, endpoint: &str, authority: &str, credentials: &Credentials) -> String {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, _) in world.clusters() {
        *times.entry(&id.name).or_default() += 1;
    }
    let (mut clusters, mut contexts, mut users) = (Vec::new(), Vec::new(), Vec::new());
    for (id, it) in world.clusters() {
        // Regions may have clusters of the same name.
        let alone = times.get(id.name.as_str()) == Some(&1);
        let name = if alone { id.name.clone() } else { format!("{}/{}", id.region, id.name) };
        let env = environment(endpoint, &id.region, credentials);
        let env: Vec<Value> = env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        clusters.push(json!({
            "name": name,
            "cluster": { "server": it.cluster.endpoint, "certificate-authority-data": authority },
        }));
        contexts.push(json!({ "name": name, "context": { "cluster": name, "user": name } }));
        users.push(json!({
            "name": name,
            "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "aws",
                "args": ["eks", "get-token", "--cluster-name", id.name, "--region", id.region, "--output", "json"],
                "env": env,
                "interactiveMode": "Never",
                "provideClusterInfo": false,
            } },
        }));
    }
    let first = world.first().map(|id| id.name.as_str()).unwrap_or_default();
    let named = |context: &&Value| {
        let name = context.get("name").and_then(Value::as_str).unwrap_or_default();
        name == first || name.ends_with(&format!("/{first}"))
    };
    let current = contexts.iter().find(named).and_then(|it| it.get("name")).cloned().unwrap_or_default();
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": clusters,
        "contexts": contexts,
        "users": users,
    });
    format!("{config:#}\n")
}

/// Writes a file that only its owner may read.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_value_holds_a_shell_reads_it_back() {
        assert_eq!(quoted("http://127.0.0.1:4566"), "http://127.0.0.1:4566");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b'c"), r"'a b'\''c'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
