//! A row with all that it says, on the full screen: what the detail beside the list says, where there is no room beside it,
//! or where nothing else could be opened.

use crate::access::answer_line::{AnswerLine, AnswerPart};
use crate::access::findings::Remedy;
use crate::app::detail::{of_row_alone, title};
use crate::app::overlay::document::Document;
use crate::app::pane::{Motion, Pane};
use crate::app::table::Row;
use crate::model::snapshot::Evidence;

/// The row on the full screen.
#[derive(Clone, Debug)]
pub struct RowView {
    /// Of which pane.
    pub pane: Pane,
    /// The row.
    pub row: Row,
    /// What it is.
    pub title: String,
    /// What mends it.
    remedies: Vec<Remedy>,
    /// Its lines.
    pub facts: Vec<AnswerLine>,
    /// Which line the cursor is on.
    pub at: usize,
}

impl RowView {
    /// Of a row, what is said of it, and what mends it.
    pub fn new(pane: Pane, row: Row, about: Vec<AnswerLine>, remedies: Vec<Remedy>, home: Option<&str>) -> Self {
        RowView { pane, title: title(pane, &row, home), row, remedies, facts: of_row_alone(about), at: 0 }
    }

    /// Takes in what is said of the row now; the cursor stays on its line.
    pub fn renew(&mut self, row: Row, about: Vec<AnswerLine>, remedies: Vec<Remedy>, home: Option<&str>) {
        let before = self.facts.get(self.at).cloned();
        let at = self.at;
        *self = RowView::new(self.pane, row, about, remedies, home);
        let same = |fact: &AnswerLine| before.as_ref().is_some_and(|it| it.is_same_as(fact));
        self.at = self.facts.iter().position(same).unwrap_or(at.min(self.facts.len().saturating_sub(1)));
    }

    /// The line under the cursor.
    pub fn fact(&self) -> Option<&AnswerLine> {
        self.facts.get(self.at)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion, page: usize) {
        self.at = motion.from(self.at, self.facts.len(), page);
    }

    /// Where the line under the cursor was read, or the row.
    pub fn evidence(&self) -> Option<Evidence> {
        self.fact().and_then(|it| it.evidence.clone()).or_else(|| self.row.evidence.clone())
    }

    fn chosen_remedy(&self) -> Option<&Remedy> {
        self.remedies.get(self.fact()?.remedy()?)
    }

    /// The remedy under the cursor, as it is to be pasted.
    pub fn remedy(&self) -> Option<Document> {
        let it = self.chosen_remedy()?;
        Some(Document::new(it.title.clone(), format!("{}\n", it.text), ""))
    }

    /// What is copied: the command under the cursor, else the row's, else its ARN; and what that may break.
    pub fn command(&self) -> (String, String) {
        let own = match (self.chosen_remedy(), self.fact()) {
            (Some(remedy), _) => remedy.text.clone(),
            // It changes nothing, so nothing is to be feared of it.
            (None, Some(it)) if it.part == AnswerPart::DryRun => return (it.text.clone(), String::new()),
            _ => self.row.copied().to_owned(),
        };
        (own, self.row.danger.clone())
    }

    /// Can what it is about be opened in its turn?
    pub fn leads(&self) -> bool {
        self.row.asked.is_some() || self.row.workload.is_some()
    }
}
