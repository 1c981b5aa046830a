//! A lab, a journal, and edits of which the first so many make a plan of so many steps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eksplorer::cloud::{self, Session};
use eksplorer::edit::draft::{Draft, Edit};
use eksplorer::edit::receipt::{Progress, Receipt};
use eksplorer::edit::record::Batch;
use eksplorer::edit::state::{AssociationState, EntryState, State, Subject, now};
use eksplorer::journal::{FILE, Hook, Journal};
use eksplorer::lab::{Faults, Lab, Options};
use eksplorer::model::cluster::ClusterId;
use eksplorer::model::document::{Document, read};
use eksplorer::model::facts::snapshot_of;
use eksplorer::model::mapping::{AccessScope, ScopeKind};
use eksplorer::model::principal::Principal;
use eksplorer::model::snapshot::Source;
use eksplorer::model::validation::entry::standard_username;
use eksplorer::run::Trouble;
use eksplorer::run::apply::{self, Manner};
use tokio::sync::mpsc;

pub(crate) const WORLD: &str = include_str!("../../worlds/edited.yaml");

/// Everything that can be chosen of everything that can be edited.
pub(crate) type View = BTreeMap<Subject, State>;

pub(crate) fn id() -> ClusterId {
    ClusterId { region: "eu-west-1".into(), name: "c".into() }
}

pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) faults: Faults,
    pub(crate) folder: PathBuf,
    pub(crate) before: View,
    pub(crate) manner: Manner,
    /// How long a call may take.
    pub(crate) patience: Option<Duration>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn role(name: &str) -> Subject {
    Subject::Entry(format!("arn:aws:iam::111122223333:role/{name}"))
}

pub(crate) fn association(namespace: &str, account: &str) -> Subject {
    Subject::Association(namespace.into(), account.into())
}

pub(crate) fn give(name: &str, namespaces: &[&str]) -> Edit {
    let kind = if namespaces.is_empty() { ScopeKind::Cluster } else { ScopeKind::Namespace };
    let scope = AccessScope { kind, namespaces: namespaces.iter().map(|&it| it.into()).collect() };
    Edit::GivePolicy { policy_arn: policy(name), scope }
}

pub(crate) fn policy(name: &str) -> String {
    format!("arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy")
}

pub(crate) fn fresh(subject: &Subject) -> EntryState {
    let Subject::Entry(arn) = subject else { return EntryState::default() };
    let username = Principal::from_arn(arn).ok().map(|(it, _)| standard_username(&it));
    EntryState { kind: "STANDARD".into(), username, ..EntryState::default() }
}

fn state_of(view: &View, name: &str) -> EntryState {
    match &view[&role(name)] {
        State::Entry(it) => it.clone(),
        State::Association(_) => unreachable!(),
    }
}

fn associate(role: &str, tags: &[(&str, &str)]) -> Edit {
    Edit::Associate(AssociationState {
        role_arn: format!("arn:aws:iam::111122223333:role/{role}"),
        tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        ..AssociationState::default()
    })
}

/// A dozen edits, each of which adds one step to the plan of those before it.
pub(crate) fn edits(view: &View) -> Vec<(Subject, Edit)> {
    let dev = |with: &dyn Fn(&mut EntryState)| {
        let mut it = state_of(view, "dev");
        with(&mut it);
        (role("dev"), Edit::Be(Box::new(it)))
    };
    let scope = || AccessScope { kind: ScopeKind::Namespace, namespaces: vec!["blue".into(), "green".into()] };
    let wider = move |it: &mut EntryState| drop(it.policies.insert(policy("View"), scope()));
    let named = move |it: &mut EntryState| {
        wider(it);
        it.groups = ["ops".to_owned(), "devs".to_owned()].into();
        it.username = Some("dev:{{SessionName}}".to_owned());
    };
    let tagged = move |it: &mut EntryState| {
        named(it);
        it.tags.insert("team".into(), "blue".into());
    };
    let untagged = move |it: &mut EntryState| {
        tagged(it);
        it.tags.remove("old");
    };
    let narrowed = move |it: &mut EntryState| {
        untagged(it);
        it.policies.remove(&policy("Edit"));
    };
    vec![
        (role("fresh"), Edit::GiveGroups(vec!["devs".into()])),
        (role("fresh"), give("View", &["green", "blue"])),
        dev(&wider),
        dev(&named),
        (role("old"), Edit::Remove),
        dev(&tagged),
        dev(&untagged),
        dev(&narrowed),
        (association("blue", "api"), associate("web", &[("a", "1")])),
        (association("blue", "web"), associate("web", &[("b", "2")])),
        (association("green", "job"), Edit::Dissociate),
        (association("blue", "api"), associate("web", &[("a", "2")])),
    ]
}

impl Bench {
    pub(crate) async fn start(name: &str, options: Options) -> Bench {
        Bench::of(name, read(WORLD).unwrap(), options).await
    }

    pub(crate) async fn of(name: &str, document: Document, options: Options) -> Bench {
        let faults = options.faults.clone();
        let lab = Lab::start(document, options).await.unwrap();
        // Where there is one, a file system in memory: the disk's own speed is not what is tried here.
        let memory = Path::new("/dev/shm");
        let within = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = within.join(format!("eksplorer-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let before = view(&lab.watch().document());
        let manner = Manner { wait: Duration::ZERO, pause: Duration::from_millis(5), ..Manner::default() };
        Bench { lab, faults, folder, before, manner, patience: None }
    }

    /// Another lab that holds what this one did at a moment, with the journal as it was then.
    pub(crate) async fn again(&self, name: &str, left: &Left) -> Bench {
        let mut bench = Bench::of(name, left.world.clone(), Options::default()).await;
        std::fs::create_dir_all(&bench.folder).unwrap();
        let journal = left.journal.replace(self.lab.endpoint(), bench.lab.endpoint());
        std::fs::write(bench.folder.join(FILE), journal).unwrap();
        bench.before.clone_from(&self.before);
        bench.manner = self.manner.clone();
        bench
    }

    pub(crate) async fn session(&self) -> Session {
        session(&self.lab, self.patience).await
    }

    /// All that can be edited, from behind.
    pub(crate) fn view(&self) -> View {
        view(&self.lab.watch().document())
    }

    pub(crate) fn draft(&self, edits: Vec<(Subject, Edit)>) -> Draft {
        draft(&self.lab.watch().document(), edits)
    }

    pub(crate) async fn batch_of(&self, draft: Draft) -> Batch {
        apply::new_batch(&self.session().await, &id(), draft, None).await.unwrap()
    }

    /// A plan of so many steps.
    pub(crate) async fn batch(&self, steps: usize) -> Batch {
        let edits = edits(&self.before).into_iter().take(steps).collect();
        self.batch_of(self.draft(edits)).await
    }

    /// What a batch is to make of the world.
    pub(crate) fn planned(&self, batch: &Batch) -> View {
        let mut view = self.before.clone();
        for (subject, change) in batch.draft.changes() {
            match &change.after {
                Some(state) => drop(view.insert(subject.clone(), state.clone())),
                None => drop(view.remove(subject)),
            }
        }
        view
    }

    /// How many writing calls the lab has got.
    pub(crate) fn calls(&self) -> u32 {
        writes(&self.faults)
    }

    pub(crate) fn journal(&self, hook: Option<Hook>) -> Journal {
        let mut journal = Journal::open(&self.folder).unwrap();
        if let Some(hook) = hook {
            journal.hook(hook);
        }
        journal
    }

    /// As a process of its own.
    pub(crate) async fn apply(&self, batch: Batch, hook: Option<Hook>) -> Result<Receipt, Trouble> {
        let mut journal = self.journal(hook);
        apply::apply(&self.session().await, batch, &mut journal, &self.manner, &ears()).await
    }

    /// As a process of its own.
    pub(crate) async fn resume(&self, batch: &str) -> Result<Receipt, Trouble> {
        let mut journal = self.journal(None);
        apply::resume(&self.session().await, batch, &mut journal, &self.manner, &ears()).await
    }

    /// As a process of its own. `None`: there was nothing to undo.
    pub(crate) async fn undo(&self, batch: &str, hook: Option<Hook>) -> Result<Option<Receipt>, Trouble> {
        let mut journal = self.journal(hook);
        let session = self.session().await;
        let batch = apply::undo_batch(&session, batch, &mut journal, &self.manner, &ears()).await?;
        match batch {
            None => Ok(None),
            Some(batch) => apply::apply(&session, batch, &mut journal, &self.manner, &ears()).await.map(Some),
        }
    }
}

/// What a crash leaves: the world and the journal.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) world: Document,
    pub(crate) journal: String,
    /// How many writing calls were made.
    pub(crate) calls: u32,
}

/// How many writing calls a lab has got.
pub(crate) fn writes(faults: &Faults) -> u32 {
    let writes = ["Create", "Update", "Delete", "Associate", "Disassociate", "Tag", "Untag"];
    let all = faults.all_calls();
    all.iter().filter(|(name, _)| writes.iter().any(|it| name.starts_with(it))).map(|(_, calls)| calls).sum()
}

/// Nobody listens.
pub(crate) fn ears() -> mpsc::Sender<Progress> {
    mpsc::channel(1).0
}

pub(crate) async fn session(lab: &Lab, patience: Option<Duration>) -> Session {
    let keys = lab.credentials();
    let credentials = cloud::Credentials {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
        session_token: keys.session_token,
    };
    let endpoint = Some(cloud::Endpoint { url: lab.endpoint().to_owned(), credentials });
    let mut options = cloud::Options { endpoint, regions: vec![lab.region().to_owned()], ..cloud::Options::default() };
    // What is tested is not how fast a busy machine answers.
    let patience = patience.unwrap_or(Duration::from_secs(60));
    (options.limits.silence, options.limits.call) = (patience, patience);
    Session::open(options, None).await.unwrap()
}

pub(crate) fn draft(document: &Document, edits: Vec<(Subject, Edit)>) -> Draft {
    let snapshot = snapshot_of(document, Source::default()).settled();
    let facts = snapshot.cluster(&id());
    let mut draft = Draft::default();
    for (subject, edit) in edits {
        draft.stage(&facts, &subject, edit, || fresh(&subject)).unwrap();
    }
    draft
}

pub(crate) fn view(document: &Document) -> View {
    let snapshot = snapshot_of(document, Source::default()).settled();
    let facts = snapshot.cluster(&id());
    let entries = facts.access_entries.items().iter().map(|it| Subject::Entry(it.principal_arn.clone()));
    let associations = facts.pod_identity_associations.items().iter();
    let associations = associations.map(|it| association(&it.namespace, &it.service_account));
    let all = entries.chain(associations);
    all.map(|subject| (subject.clone(), now(&facts, &subject).known().unwrap().unwrap())).collect()
}
