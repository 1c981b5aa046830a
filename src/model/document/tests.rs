//! Documents as they are read, with the place of a mistake.

use super::read::{Notation, read_at_once, read_with_care};
use super::*;

const SMALL: &str = r#"
eksplorer: 1
takenAt: 2026-11-24T06:00:00Z
region: eu-west-1
somethingNew: {a: 1}
clusters:
- cluster: {name: c1, arn: "arn:aws:eks:eu-west-1:111122223333:cluster/c1", unheardOf: [1, 2]}
  accessEntries:
  - principalArn: arn:aws:iam::111122223333:role/a
    kubernetesGroups: [g]
    createdAt: 1700000000.5
    associatedAccessPolicies:
    - policyArn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
      accessScope: {type: namespace, namespaces: [a]}
  kubernetes:
  - apiVersion: v1
    data: {mapRoles: "- rolearn: x\n"}
    kind: ConfigMap
    metadata: {name: aws-auth, namespace: kube-system}
  - apiVersion: v1
    kind: List
    items:
    - kind: Pod
      metadata: {name: p, namespace: n, annotations: {kubectl.kubernetes.io/last-applied-configuration: secret}}
      spec: {containers: [{name: c, env: [{name: DB_PASSWORD, value: hunter2}, {name: AWS_ROLE_ARN, value: r}]}]}
    - kind: Deployment
      metadata: {name: d}
      spec: 17
  - kind: NamespaceList
    items:
    - metadata: {name: n}
"#;

#[test]
fn lists_are_flattened_and_unknown_kinds_and_fields_are_harmless() {
    let document = read(SMALL).expect("reads");
    let kinds: Vec<_> = document.clusters[0].kubernetes.iter().flatten().collect();
    assert!(matches!(kinds[..], [Manifest::ConfigMap(_), Manifest::Pod(_), Manifest::Namespace(_)]), "{kinds:?}");
}

#[test]
fn secrets_are_dropped_where_documents_come_in() {
    let document = read(SMALL).expect("reads");
    let written = to_yaml(&document).expect("writes");
    assert!(!written.contains("hunter2") && !written.contains("secret"), "{written}");
    assert!(written.contains("DB_PASSWORD") && written.contains("AWS_ROLE_ARN"));
}

#[test]
fn yaml_and_json_read_back_as_they_were() {
    let document = read(SMALL).expect("reads");
    let yaml = to_yaml(&document).expect("writes");
    assert_eq!(read(&yaml).expect(&yaml), document);
    let json = to_json(&document).expect("writes");
    assert_eq!(read(&json).expect(&json), document);
}

fn error(from: &str, to: &str) -> DocumentError {
    assert!(SMALL.contains(from));
    read(&SMALL.replacen(from, to, 1)).expect_err(to)
}

#[test]
fn errors_name_line_and_field_path() {
    let it = error("kubernetesGroups: [g]", "kubernetesGroups: {g: 1}");
    assert_eq!(it.path.as_deref(), Some("clusters[0].accessEntries[0].kubernetesGroups"));
    assert_eq!(it.line, Some(10), "{it}");

    let it = error("- principalArn: arn:aws:iam::111122223333:role/a\n    kubernetesGroups", "- kubernetesGroups");
    assert!(it.message.contains("principalArn"), "{it}");
    assert!(it.line.is_some(), "{it}");

    let it = error("metadata: {name: p,", "metadata: {name: [p],");
    assert_eq!(it.path.as_deref(), Some("clusters[0].kubernetes[1].items[0].metadata.name"));
    assert_eq!(it.line, Some(24), "{it}");

    let it = error("region: eu-west-1", "region: [");
    assert!(it.line.is_some(), "{it}");

    let it = error("eksplorer: 1", "eksplorer: 9");
    assert!(it.to_string().contains("version 9"), "{it}");
}

#[test]
fn json_errors_name_line_and_field_path() {
    let it = read("{\"eksplorer\": 1,\n \"clusters\": [{\"cluster\": {\"name\": 5}}]}").expect_err("wrong type");
    assert_eq!((it.line, it.path.as_deref()), (Some(2), Some("clusters[0].cluster.name")));
}

/// What each way of reading makes of a text, its lists flattened: the quick one only where it takes the text.
fn both_ways(text: &str) -> (Option<Document>, Result<Document, DocumentError>) {
    let notation = Notation::of(text);
    (read_at_once(text, notation), read_with_care(text, notation))
}

#[test]
fn what_this_program_writes_is_read_in_one_pass() {
    let document = read(SMALL).expect("reads");
    for text in [to_yaml(&document).expect("writes"), to_json(&document).expect("writes")] {
        let (quick, careful) = both_ways(&text);
        assert_eq!(quick.as_ref(), Some(&document), "{text}");
        assert_eq!(careful.expect(&text), document);
    }
}

#[test]
fn what_needs_a_look_ahead_is_read_with_care() {
    let head = "eksplorer: 1\nclusters:\n- cluster: {name: c}\n  kubernetes:\n  - ";
    for (manifest, kinds) in [
        ("{metadata: {name: p}, kind: Pod, spec: {}}", 1),
        ("{kind: PodList, items: [{metadata: {name: p}}]}", 1),
        ("{kind: List, items: [{metadata: {name: p}, kind: Pod}]}", 1),
        ("{kind: Pod, metadata: {name: p}, items: 5}", 1),
        ("{kind: List}", 0),
        ("{kind: Deployment, metadata: 5}", 0),
        ("{kind: null, metadata: {name: p}}", 0),
        ("{}", 0),
    ] {
        let text = format!("{head}{manifest}\n");
        let (quick, careful) = both_ways(&text);
        let careful = careful.expect(&text);
        assert!(quick.is_none_or(|it| it == careful), "{text}");
        let read = read(&text).expect(&text);
        assert_eq!(read.clusters[0].kubernetes.as_ref().map(Vec::len), Some(kinds), "{text}");
    }
    let twice = format!("{head}{{kind: Pod, metadata: {{name: p}}, kind: Node}}\n");
    assert!(matches!(both_ways(&twice), (None, Err(_))), "{twice}");
}

#[test]
fn one_pass_takes_no_text_that_care_reads_otherwise() {
    let document = read(SMALL).expect("reads");
    let mut taken = 0;
    for text in [to_yaml(&document).expect("writes"), to_json(&document).expect("writes")] {
        let lines: Vec<&str> = text.lines().collect();
        for at in 0..lines.len() {
            let (before, line, after) = (&lines[..at], lines[at], &lines[at + 1..]);
            let name = line.trim_start().trim_start_matches("- ");
            let indent = &line[..line.len() - name.len()];
            let changed = [
                vec![],
                vec![line.to_owned(), line.to_owned()],
                vec![line.to_owned(), format!("{}kind: Node", indent.replace('-', " "))],
                vec![line.to_owned(), format!("{indent}\"items\": [],")],
                vec![line.replacen(name.split([':', '"']).next().unwrap_or_default(), "kind", 1)],
                vec![line.replace(": ", ": !!str ")],
                vec![line.replace(": ", ": &a ")],
                vec![line.replace('"', "")],
                vec![line.replace("name", "~")],
                vec![line.replacen(char::is_alphabetic, "7", 1)],
                vec![line.to_owned(), "---".to_owned()],
            ];
            for lines in changed {
                let with: Vec<&str> = before
                    .iter()
                    .copied()
                    .chain(lines.iter().map(String::as_str))
                    .chain(after.iter().copied())
                    .collect();
                let text = with.join("\n");
                let (quick, careful) = both_ways(&text);
                if let Some(quick) = quick {
                    assert_eq!(careful.as_ref(), Ok(&quick), "{text}");
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 100, "too few are taken to tell anything: {taken}");
}
