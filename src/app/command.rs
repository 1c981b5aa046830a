//! Everything a person can ask for, each named and explained once.
//!
//! From this table and the keymap come dispatch, the footer, help, the palette, and the README's key table. A command
//! that cannot act here and now says why. A new command is a row here, an arm in [`super::perform`], and, unless it is
//! for the palette alone, a key in `assets/keymap.toml`.

use std::borrow::Cow;

use super::App;
use super::change;
use super::export;
use super::journal;
use super::keymap::Context;
use super::overlay::Overlay;
use super::pane::Pane;
use super::sign_in;
use crate::edit::draft::Staging;
use crate::model::snapshot::Source;

/// Under which heading help shows a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Group {
    Answers,
    Change,
    Panes,
    List,
    Document,
    Move,
    Program,
}

impl Group {
    /// As the heading reads.
    pub fn title(self) -> &'static str {
        match self {
            Group::Answers => "Answers",
            Group::Change => "Changing access",
            Group::Panes => "Panes",
            Group::List => "The list",
            Group::Document => "A document",
            Group::Move => "Moving",
            Group::Program => "The program",
        }
    }
}

/// What a command can do to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// It only looks.
    Harmless,
    /// It asks AWS and Kubernetes, reading only.
    Reads,
    /// It stages a change; nothing is done before that is reviewed and confirmed.
    Stages,
    /// It changes the cluster.
    Writes,
}

/// Can a command act here and now?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Yes.
    Ready,
    /// No, and why, as a sentence.
    Disabled(Cow<'static, str>),
}

/// What is said of a command.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// In keymaps and the palette.
    pub name: &'static str,
    /// In the footer: a word or two.
    pub hint: &'static str,
    /// In help and the palette.
    pub sentence: &'static str,
    /// Its heading in help.
    pub group: Group,
    /// What it can do.
    pub danger: Danger,
    available: fn(&App, Context) -> Availability,
}

macro_rules! commands {
    ($($command:ident $name:literal, $hint:literal, $group:ident, $danger:ident, $available:expr, $sentence:literal;)*) => {
        /// Something that a person can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Command {
            $(#[doc = $sentence] $command,)*
        }

        impl Command {
            /// All of them, in the order in which help shows them.
            pub const ALL: &[Command] = &[$(Command::$command),*];

            /// What is said of it.
            pub fn spec(self) -> &'static Spec {
                match self {
                    $(Command::$command => &Spec {
                        name: $name,
                        hint: $hint,
                        sentence: $sentence,
                        group: Group::$group,
                        danger: Danger::$danger,
                        available: $available,
                    },)*
                }
            }
        }
    };
}

commands! {
    Trace "trace", "trace", Answers, Harmless, a_row, "Trace the row's principal: as whom it gets in, and why; of a workload, which AWS role it gets; else show all that the row says.";
    Matrix "matrix", "matrix", Answers, Harmless, an_identity, "Show what the principal may do: resources and verbs, and by what.";
    WhoCan "who-can", "who can", Answers, Harmless, a_cluster, "Ask who can do something: delete pods -n payments; on a cell, that.";
    Rule "rule", "rule", Answers, Harmless, a_rule, "Show the rule that decides the cell.";
    Follow "follow", "open", Answers, Harmless, a_line, "Open what the line is about: the pod, the service account, the role; else its document.";
    Become "who-becomes", "who becomes", Answers, Harmless, a_becoming, "Show who and what can become the role: by its trust policy, and by what uses it.";
    Namespace "namespace", "namespace", Answers, Harmless, a_matrix, "Choose the namespace of the matrix.";
    CrossCheck "cross-check", "ask API server", Answers, Reads, a_review, "Ask the API server itself whether it is so.";
    Jump "jump", "jump", Answers, Harmless, always, "Jump to anything by name or ARN; a pasted ARN is traced, an error message explained.";
    Whoami "whoami", "who am I", Answers, Harmless, a_caller, "Trace yourself in this cluster.";
    Document "document", "document", Answers, Harmless, something, "Show the document that this was read from.";
    Policies "policies", "policies", Answers, Harmless, a_role, "Show the role's trust policy and its IAM policies, managed and inline.";
    CopyArn "copy-arn", "copy", Answers, Harmless, somebody, "Copy the ARN, or the command that would mend it, to your terminal's clipboard.";
    CopyDocument "copy-document", "copy document", Answers, Harmless, a_copyable_document, "Copy the document to your terminal's clipboard.";
    Calls "calls", "calls", Answers, Harmless, always, "Show the calls made to AWS and Kubernetes, with time and result.";

    Add "add-access", "add access", Change, Stages, can_add, "Give a principal a policy or groups: staged, not done yet.";
    Mark "mark", "mark", Change, Harmless, markable, "Mark the row, or take its mark away: what changes access acts on all marked rows.";
    Identity "edit-groups", "groups", Change, Stages, a_subject, "Edit the groups and the username of the row's access entry; of an association, its role.";
    TakePolicy "take-policy", "take policy", Change, Stages, an_entry, "Take a policy away from the rows' access entries.";
    Rescope "re-scope", "where", Change, Stages, an_entry, "Choose where a policy of the row's access entry holds: wider, narrower, elsewhere.";
    Remove "remove", "remove", Change, Stages, a_subject, "Remove the rows' access entries, with their policies; of associations, those.";
    Recreate "recreate", "recreate", Change, Stages, an_entry, "Delete the rows' access entries and make them again, as they are.";
    CopyAccess "copy-access", "copy access", Change, Stages, an_entry, "Copy the row's access to another principal, or to itself in another cluster.";
    Unstage "undo-staging", "unstage", Change, Stages, can_unstage, "Take back what was staged last.";
    Restage "redo-staging", "stage again", Change, Stages, can_restage, "Stage again what was taken back.";
    Review "review", "review", Change, Harmless, can_review, "Review what is staged: the calls, who gains and loses what, what speaks against it.";
    EditChange "edit-change", "edit", Change, Stages, a_change, "Edit the change of the review that the cursor is on.";
    UnstageChange "unstage-change", "unstage", Change, Stages, a_change, "Take back the change of the review that the cursor is on, and no other.";
    Answer "answer-yes", "yes to ?", Change, Stages, can_answer, "Answer the first open question of the review with yes.";
    Apply "apply", "apply", Change, Writes, can_apply, "Apply what was reviewed, once the cluster's name is typed.";
    Export "export", "export", Change, Harmless, can_export, "Take the plan or the batch along: as a script, what takes it back, Terraform, a note.";
    Note "note", "note", Change, Harmless, can_note, "Write the incident note of the plan or the batch, in Markdown.";
    Undo "undo", "undo", Change, Reads, can_undo, "Review what would undo the batch.";
    Journal "journal", "journal", Change, Harmless, always, "Show the journal: what was changed from here, by whom, and what became of it.";
    OpenBatch "open-batch", "open", Change, Harmless, a_batch, "Show the batch: its steps, what was there before, what is so now.";
    Resume "resume", "resume", Change, Reads, can_resume, "Review what is left of a batch that stopped or is in doubt.";
    Progress "progress", "progress", Change, Harmless, has_progress, "Show the batch that is being applied, or was applied last.";

    Entries "entries", "entries", Panes, Harmless, always, "Show the access entries.";
    AwsAuth "aws-auth", "aws-auth", Panes, Harmless, always, "Show the rows of the aws-auth ConfigMap.";
    Irsa "irsa", "IRSA", Panes, Harmless, always, "Show the service accounts with an IAM role of their own (IRSA).";
    PodIdentity "pod-identity", "pod identity", Panes, Harmless, always, "Show the Pod Identity associations.";
    Roles "roles", "roles", Panes, Harmless, always, "Show the roles of the cluster and its parts, with who can assume them and their policies.";
    Principals "principals", "principals", Panes, Harmless, always, "Show every principal known, with the mapping in force.";
    Groups "groups", "groups", Panes, Harmless, always, "Show the groups and users of bindings and mappings, and who carries them.";
    Posture "posture", "posture", Panes, Harmless, always, "Show the controls around access, and how to change them.";
    Findings "findings", "findings", Panes, Harmless, always, "Show everything that is wrong, across all panes.";
    NextPane "next-pane", "next pane", Panes, Harmless, always, "Show the next pane.";
    PreviousPane "previous-pane", "previous pane", Panes, Harmless, always, "Show the previous pane.";
    Clusters "clusters", "clusters", Panes, Harmless, always, "Choose among the clusters.";

    Filter "filter", "filter", List, Harmless, a_filter, "Narrow the list: words, -word, column:word, ~fuzzy.";
    Sort "sort", "sort", List, Harmless, a_list, "Sort by the next column.";
    SortBack "sort-back", "sort back", List, Harmless, a_list, "Sort by the column before.";
    SortReverse "sort-reverse", "reverse", List, Harmless, a_list, "Reverse the order.";

    Search "search", "search", Document, Harmless, a_document, "Search in the document.";
    NextMatch "next-match", "next match", Document, Harmless, a_search, "Go to the next match.";
    PreviousMatch "previous-match", "previous match", Document, Harmless, a_search, "Go to the match before.";
    Left "left", "left", Document, Harmless, sideways, "Move left: along long lines, along the cells of the matrix.";
    Right "right", "right", Document, Harmless, sideways, "Move right: along long lines, along the cells of the matrix.";

    Up "up", "previous", Move, Harmless, always, "Move up a line.";
    Down "down", "next", Move, Harmless, always, "Move down a line.";
    HalfPageUp "half-page-up", "half up", Move, Harmless, always, "Move up half a page.";
    HalfPageDown "half-page-down", "half down", Move, Harmless, always, "Move down half a page.";
    PageUp "page-up", "page up", Move, Harmless, always, "Move up a page.";
    PageDown "page-down", "page down", Move, Harmless, always, "Move down a page.";
    First "first", "first", Move, Harmless, always, "Move to the first line.";
    Last "last", "last", Move, Harmless, always, "Move to the last line.";
    Accept "accept", "go", Move, Harmless, a_prompt, "Take what is chosen or typed.";
    Back "back", "back", Move, Harmless, always, "Leave exactly one level.";

    Palette "palette", "commands", Program, Harmless, always, "Find a command by name and do it.";
    Help "help", "help", Program, Harmless, always, "Show every command with its keys.";
    Refresh "refresh", "refresh", Program, Reads, a_source, "Read everything again: configuration and credentials, too; what is being read starts over.";
    SignIn "sign-in", "sign in", Program, Reads, can_sign_in, "Sign in again by IAM Identity Center (SSO), or enter the MFA code that is needed.";
    OpenAddress "open-address", "open in browser", Program, Harmless, an_address, "Open the address of the sign-in in a browser.";
    StopWaiting "stop-waiting", "stop waiting", Program, Harmless, a_program, "Stop the program that credentials are waited for from: a credential_process, an exec plugin.";
    Leave "leave", "quit", Program, Harmless, always, "Leave this level; from the list, leave the program.";
    Suspend "suspend", "suspend", Program, Harmless, always, "Give the terminal back to the shell for a while.";
    Quit "quit", "quit", Program, Harmless, always, "Leave the program.";
}

impl Command {
    /// The command of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Command::ALL.iter().copied().find(|it| it.name() == name)
    }

    /// In keymaps and the palette.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// True for commands that need no key.
    pub fn is_palette_only(self) -> bool {
        false
    }

    /// True for commands that only make sense while a key is pressed, and that the palette leaves out.
    pub fn is_for_keys_only(self) -> bool {
        matches!(self.spec().group, Group::Move)
    }

    /// Can it act in this context?
    pub fn availability(self, app: &App, context: Context) -> Availability {
        (self.spec().available)(app, context)
    }
}

fn disabled(why: &'static str) -> Availability {
    Availability::Disabled(Cow::Borrowed(why))
}

fn ready_if(condition: bool, why: &'static str) -> Availability {
    if condition { Availability::Ready } else { disabled(why) }
}

fn always(_: &App, _: Context) -> Availability {
    Availability::Ready
}

fn a_role(app: &App, _: Context) -> Availability {
    ready_if(app.selection().role().is_some(), "Nothing here names an IAM role.")
}

fn a_line(app: &App, context: Context) -> Availability {
    let selection = app.selection();
    match app.top_place() {
        Some(Overlay::Workload(_)) if selection.workload.is_some() => Availability::Ready,
        Some(Overlay::Row(_)) => ready_if(
            selection.leads_on() || selection.has_document(),
            "This row leads nowhere, and was read from no document.",
        ),
        _ => something(app, context),
    }
}

fn a_becoming(app: &App, context: Context) -> Availability {
    match app.selection().assumable_role() {
        Ok(_) => a_cluster(app, context),
        Err(why) => disabled(why),
    }
}

fn a_row(app: &App, context: Context) -> Availability {
    let selection = app.selection();
    match app.top_place() {
        Some(Overlay::Workload(_)) => {
            ready_if(selection.role().is_some(), "No role is known here that could be traced.")
        }
        // A line that is nobody's principal shows the document that it was read from.
        Some(Overlay::WhoCan(_)) => ready_if(
            selection.principal.is_some() || selection.has_document(),
            "Nobody is selected: there is nothing to trace.",
        ),
        Some(Overlay::Row(_)) => {
            ready_if(selection.leads_on(), "What this is about is no principal and no workload that could be traced.")
        }
        _ if context != Context::List => disabled("There is no list here: Esc goes back to it."),
        _ => ready_if(app.selected_row().is_some(), "No row is selected: there is nothing to trace."),
    }
}

fn an_identity(app: &App, context: Context) -> Availability {
    let principal = app.selection().principal;
    match (app.top_place(), context) {
        (Some(Overlay::Matrix(_)), _) => disabled("This is the matrix: n chooses another namespace."),
        (Some(Overlay::WhoCan(_)), _) => {
            ready_if(principal.is_some(), "Only what IAM principals may do is shown as a matrix: this is none.")
        }
        (Some(Overlay::Trace(_) | Overlay::Workload(_)), _) if principal.is_some() => Availability::Ready,
        (Some(Overlay::Row(_)), _) => ready_if(principal.is_some(), "This row names no principal."),
        (Some(Overlay::Explain(_)), _) => {
            ready_if(principal.is_some(), "The message names no principal whose matrix could be shown.")
        }
        (None, Context::List) if app.pane == Pane::Groups => {
            disabled("A group by itself gets nobody in: Enter lists who carries it, and each has a matrix.")
        }
        (None, Context::List) => match app.selected_row() {
            None => disabled("No row is selected."),
            Some(_) => ready_if(principal.is_some(), "This row names no principal; y shows the document."),
        },
        _ => disabled("There is no principal here: Esc goes back to one."),
    }
}

fn a_cluster(app: &App, _: Context) -> Availability {
    ready_if(app.cluster.is_some(), "Choose a cluster first: C lists them.")
}

fn a_matrix(app: &App, _: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Matrix(view)) => ready_if(view.permitted.is_some(), "The matrix is still being computed."),
        _ => disabled("There is no matrix here: m opens a principal's."),
    }
}

fn a_rule(app: &App, context: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Matrix(view)) => {
            let told = view.told.as_ref();
            let why = match told.map(|it| it.mark) {
                Some(crate::access::Mark::Unknown) => "It is not known by which rule, if by any.",
                Some(crate::access::Mark::InForce) => "What allows this has no rules that could be shown.",
                Some(_) => "No rule comes near to allowing this.",
                None => "No cell is selected.",
            };
            ready_if(told.is_some_and(|it| it.rule.is_some()), why)
        }
        _ => a_matrix(app, context),
    }
}

fn a_review(app: &App, _: Context) -> Availability {
    if !app.is_live() {
        return disabled("This is a file: there is no API server to ask.");
    }
    match super::permits::to_review(app) {
        Ok(_) => Availability::Ready,
        Err(why) => Availability::Disabled(Cow::Owned(why)),
    }
}

fn a_filter(app: &App, context: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Matrix(_) | Overlay::WhoCan(_) | Overlay::Journal(_)) => Availability::Ready,
        _ => a_list(app, context),
    }
}

fn sideways(app: &App, context: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Matrix(_)) => Availability::Ready,
        _ => a_document(app, context),
    }
}

fn somebody(app: &App, context: Context) -> Availability {
    let why = match (app.top_place(), context) {
        (Some(Overlay::Row(_)), _) => "There is no command here, and no ARN: nothing to copy.",
        (Some(Overlay::SignIn), _) => "There is no address yet.",
        (None, _) if app.selected_row().is_none() => "No row is selected.",
        (None, _) if app.pane == Pane::Posture => "There is no command here: nothing is to be changed.",
        _ => "This line has no ARN.",
    };
    ready_if(app.selection().copyable.is_some(), why)
}

fn something(app: &App, _: Context) -> Availability {
    let why = match app.top_place() {
        Some(Overlay::Matrix(_)) => "There is no grant behind this cell that could be shown.",
        Some(Overlay::WhoCan(view)) if view.line().is_none() => "Nobody is selected.",
        Some(Overlay::Document(_)) => "This is the document: Esc goes back.",
        Some(Overlay::Journal(_)) => "There is no document here: Enter opens a batch, E exports it.",
        Some(Overlay::Plan(_) | Overlay::Apply { .. } | Overlay::Batch(_)) => {
            "There is no document here: E exports it."
        }
        None if app.selected_row().is_none() => "No row is selected.",
        _ => "This line was read from no document.",
    };
    ready_if(app.selection().has_document(), why)
}

fn a_copyable_document(app: &App, context: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Document(_) | Overlay::Batch(_)) => Availability::Ready,
        _ => something(app, context),
    }
}

fn a_list(_: &App, context: Context) -> Availability {
    ready_if(context == Context::List, "There is no list here: Esc goes back to it.")
}

fn a_document(_: &App, context: Context) -> Availability {
    ready_if(context == Context::Document, "No document is open: y opens it.")
}

fn a_search(app: &App, context: Context) -> Availability {
    match a_document(app, context) {
        Availability::Ready => ready_if(app.has_search(), "Nothing is searched for: / starts a search."),
        no => no,
    }
}

fn a_prompt(_: &App, context: Context) -> Availability {
    ready_if(context == Context::Prompt, "Nothing is being typed or chosen.")
}

fn a_caller(app: &App, _: Context) -> Availability {
    ready_if(app.snapshot.caller.value().is_some(), "Who you are is not known here.")
}

fn of(checked: Result<(), Cow<'static, str>>) -> Availability {
    match checked {
        Ok(()) => Availability::Ready,
        Err(why) => Availability::Disabled(why),
    }
}

fn can_add(app: &App, context: Context) -> Availability {
    of(change::can_write(app).and_then(|()| match context {
        Context::List => change::all_seen(app),
        Context::Trace => Ok(()),
        _ => Err("There is no principal here: Esc goes back to one.".into()),
    }))
}

fn markable(app: &App, context: Context) -> Availability {
    of(change::can_write(app).and_then(|()| change::markable(app, context)))
}

fn an_entry(app: &App, context: Context) -> Availability {
    of(change::can_write(app).and_then(|()| change::has_entry(app, context)))
}

fn a_subject(app: &App, context: Context) -> Availability {
    of(change::can_write(app).and_then(|()| change::has_subject(app, context)))
}

fn a_change(app: &App, _: Context) -> Availability {
    of(change::can_write(app).and_then(|()| change::has_change(app).map_err(Into::into)))
}

fn can_unstage(app: &App, _: Context) -> Availability {
    let can = app.staging().is_some_and(Staging::can_undo);
    of(change::can_write(app).and_then(|()| if can { Ok(()) } else { Err("Nothing was staged.".into()) }))
}

fn can_restage(app: &App, _: Context) -> Availability {
    let can = app.staging().is_some_and(Staging::can_redo);
    of(change::can_write(app).and_then(|()| if can { Ok(()) } else { Err("Nothing was taken back.".into()) }))
}

fn can_review(app: &App, _: Context) -> Availability {
    let staged = app.staging().is_some_and(|it| !it.draft().is_empty());
    of(change::can_write(app)
        .and_then(|()| if staged { Ok(()) } else { Err("Nothing is staged: a on a row adds access.".into()) }))
}

fn can_answer(app: &App, _: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Plan(view)) => ready_if(view.open().next().is_some(), "No question is open."),
        _ => disabled("There is no review here: r opens it."),
    }
}

fn can_apply(app: &App, _: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Plan(view)) => of(change::can_write(app).and_then(|()| match &app.applying {
            Some(it) if it.ended.is_none() => Err("Another batch is being applied: wait for its end.".into()),
            _ => view.against().map_or(Ok(()), |why| Err(why.into())),
        })),
        _ => disabled("There is no review here: r opens it."),
    }
}

fn can_export(app: &App, _: Context) -> Availability {
    of(export::told(app).map(drop))
}

fn can_note(app: &App, _: Context) -> Availability {
    of(export::can_note(app))
}

fn can_undo(app: &App, _: Context) -> Availability {
    match (app.top_place(), &app.applying) {
        (Some(Overlay::Apply { .. }), Some(it)) => of(change::can_write(app).and_then(|()| match it.undoable() {
            Ok(_) => Ok(()),
            Err(why) => Err(why.into()),
        })),
        (Some(Overlay::Journal(_) | Overlay::Batch(_)), _) => of(journal::can_undo(app)),
        _ => disabled("No batch is shown here that could be undone: J lists them."),
    }
}

fn a_batch(app: &App, _: Context) -> Availability {
    match app.top_place() {
        Some(Overlay::Journal(view)) => ready_if(view.line().is_some(), "No batch is selected."),
        Some(Overlay::Batch(_)) => disabled("This is the batch: Esc goes back to the journal."),
        _ => disabled("There is no journal here: J opens it."),
    }
}

fn can_resume(app: &App, _: Context) -> Availability {
    of(journal::can_resume(app))
}

fn has_progress(app: &App, _: Context) -> Availability {
    ready_if(app.applying.is_some(), "Nothing was applied here yet.")
}

fn can_sign_in(app: &App, _: Context) -> Availability {
    of(sign_in::can_sign_in(app))
}

fn an_address(app: &App, _: Context) -> Availability {
    of(sign_in::has_address(app))
}

fn a_program(app: &App, _: Context) -> Availability {
    ready_if(app.session.program.is_some(), "No program is waited for.")
}

fn a_source(app: &App, _: Context) -> Availability {
    match &app.snapshot.source {
        Source::File { .. } => disabled("This is a file; there is nothing to refresh."),
        Source::Live | Source::Lab => Availability::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_every_sentence_is_one() {
        for command in Command::ALL {
            assert_eq!(Command::by_name(command.name()), Some(*command));
            let spec = command.spec();
            assert!(spec.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", spec.name);
            assert!(spec.sentence.ends_with('.') && !spec.hint.is_empty(), "{}", spec.name);
        }
    }
}
