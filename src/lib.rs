//! **eksplorer**: for an Amazon EKS cluster, who gets in, as whom, to do what, and why.
//!
//! It joins three layers: AWS IAM (principals, trust), the EKS mapping between them (access entries, the aws-auth
//! ConfigMap, Pod Identity, IRSA), and Kubernetes authorisation (RBAC and EKS access policies).
//!
//! # The rooms
//!
//! | room | what it is |
//! |---|---|
//! | [`model`] | what there is: plain values, parsing and ordering only |
//! | [`access`] | what follows from the facts: pure, totally ordered, unknown propagated |
//! | [`edit`] | what we intend: drafts, plans, what would follow, what speaks against it; pure |
//! | [`app`] | where the user is: state, messages, commands, keymap; no I/O, no styling |
//! | [`view`] | what is drawn: a function of the state |
//! | [`cloud`] | the door to AWS and Kubernetes: plain calls; SDK types stop here |
//! | [`lab`] | the embedded world: real HTTP endpoints on loopback that speak EKS, IAM, STS and Kubernetes |
//! | [`journal`] | what was written, and what became of it, on disk: append-only lines, for their owner alone |
//! | [`report`] | the same answers without a screen: text, JSON, exit statuses |
//! | [`run`] | the rim: the select loop, the terminal, effects as tasks, loading, and the commands without a screen |
//! | [`cli`], [`config`], [`logging`] | flags, the configuration file, the log file |
//!
//! # Who may import whom
//!
//! Kept by a test (`tests/it/architecture.rs`), which also reads this table. Each room may name the rooms listed here
//! and itself, nothing else of this crate.
//!
//! | room | may name |
//! |---|---|
//! | model | |
//! | access | model |
//! | edit | model, access |
//! | app | model, access, edit |
//! | view | model, access, edit, app |
//! | cloud | model |
//! | journal | model, edit |
//! | lab | model, access |
//! | report | model, access, edit |
//! | config | model, cli |
//! | cli | model |
//! | logging | model |
//! | run | model, access, edit, app, view, cloud, journal, lab, report, config, cli, logging |
//!
//! The pure rooms (`model`, `access`, `edit`, `app`, `view`) know no clock, disk, network, environment, randomness or runtime;
//! `app` names of ratatui only its `layout`.
//!
//! # Data flow
//!
//! ```text
//! keys → run → Msg → app::update(&mut App, Msg) → effects → run → cloud
//!                           ↑                                      │
//!                   Msg with facts, answers  ←─────────────────────┘
//!                           └→ view::draw(&mut Frame, &App)
//! ```
//!
//! # Words
//!
//! - **principal**: an IAM identity: role, user, root, federated user; a *session* (assumed-role ARN) belongs to a role.
//! - **mapping**: what turns a principal into a Kubernetes identity: an access entry, an aws-auth row (mapRoles,
//!   mapUsers, mapAccounts), or the hidden cluster creator.
//! - **in force**, **shadowed**, **dead**, **ignored**: the mapping that decides; one that another overrides; one that
//!   can never match, and why; one that this authentication mode does not read.
//! - **identity**: Kubernetes username and groups, the implicit groups included.
//! - **trace**: principal → mapping → identity → grants, each step with its **evidence**: the object and field it was
//!   read from.
//! - **workload identity**: service account → IAM role, through IRSA or Pod Identity.
//! - **verdict**: yes, no, or *unknown because a named fact is missing that could change the answer*; facts that could
//!   only reveal a rare defect stand under *unverified*.
//! - **finding**: a named defect or risk: id, severity, sentence, evidence, and where possible its *remedy*: a text to
//!   paste.
//! - **change**, **draft**, **plan**, **step**, **check**: an intended edit; the staged set; the ordered calls; one call; a
//!   rule that blocks, asks or notes.
//! - **snapshot**, **section**: the facts at one moment; one source's part of it: loading, known, partial, stale,
//!   refused, failed, not applicable.
//! - **lab**, **world**: the embedded AWS and Kubernetes; the snapshot that it serves.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod access;
pub mod app;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod edit;
pub mod journal;
pub mod lab;
pub mod logging;
pub mod model;
pub mod report;
pub mod run;
pub mod view;
