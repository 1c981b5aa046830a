//! The lines around the body: where and who you are, the panes, what is to be said, the keys.

use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::sign;
use super::text::width;
use super::theme::Role;
use crate::access::Verdict;
use crate::access::identity::Resolution;
use crate::app::command::{Availability, Command, Group};
use crate::app::condition::parts;
use crate::app::keymap::Context;
use crate::app::layout::{WIDE, tabs as tabs_of};
use crate::app::overlay::Overlay;
use crate::app::words::{age, count};
use crate::app::{App, foremost, needs_sign_in, waiting};
use crate::model::mapping::ScopeKind;
use crate::model::snapshot::{Source, State};

const READ_ONLY: &str = "READ-ONLY";

/// ` eksplorer  prod-eu1 · eu-west-1 · 111122223333 · API · 1.34        you ● oncall → View@cluster   READ-ONLY`
pub(super) fn header(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    let right = area.right().saturating_sub(1);
    let nothing_can_change = match (&app.snapshot.source, app.snapshot.taken_at) {
        // Old facts must not pass for the cluster's present ones.
        (Source::File { .. }, Some(at)) if area.width >= 100 => format!("FILE OF {} {READ_ONLY}", at.date()),
        (Source::File { .. }, _) => format!("FILE {READ_ONLY}"),
        (Source::Live | Source::Lab, _) if app.may_write() => "WRITE".to_owned(),
        _ => READ_ONLY.to_owned(),
    };
    let role = if app.may_write() && app.is_live() { Role::Warn } else { Role::Accent };
    let mut end = canvas.put_right(area.x, right, area.y, &nothing_can_change, role);
    if app.staged() > 0 {
        end = canvas.put_right(area.x, end.saturating_sub(2), area.y, &format!("staged {}", app.staged()), Role::Warn);
    }
    if app.shelf.open > 0 {
        let text = format!("{} open: J", app.shelf.open);
        end = canvas.put_right(area.x, end.saturating_sub(2), area.y, &text, Role::Warn);
    }
    let end = end.saturating_sub(3);
    let mut x = area.x + 1;
    let segments = cluster_segments(app);
    // Name and mode come first, then who you are, then the rest.
    let least: usize = segments.iter().filter(|(rank, _)| *rank <= 1).map(|(_, text)| width(text) + 3).sum();
    let room = end.saturating_sub(x + least as u16);
    let end = you(canvas, area, end, room, app).saturating_sub(2);
    let needed = |with_name: bool, kept: &[(u8, String)]| -> u16 {
        let name = if with_name { 11 } else { 0 };
        let texts: usize = kept.iter().map(|(_, text)| width(text) + 3).sum();
        name + texts as u16
    };
    let mut kept = segments;
    let mut with_name = true;
    // What says least goes first, until the rest has room.
    while needed(with_name, &kept) > end.saturating_sub(x) {
        if with_name {
            with_name = false;
            continue;
        }
        let Some(worst) = kept.iter().map(|(rank, _)| *rank).max().filter(|rank| *rank > 0) else { break };
        kept.retain(|(rank, _)| *rank != worst);
    }
    if with_name {
        x += canvas.put(x, area.y, 9, "eksplorer", Role::Dim) + 2;
    }
    for (place, (rank, text)) in kept.iter().enumerate() {
        if place > 0 {
            x += canvas.put(x, area.y, 3, " · ", Role::Dim);
        }
        let role = if *rank == 0 { Role::Title } else { Role::Text };
        x += canvas.put(x, area.y, end.saturating_sub(x), text, role);
    }
}

/// What is said of the cluster, each with how soon it may go where there is no room (0 never goes).
fn cluster_segments(app: &App) -> Vec<(u8, String)> {
    let Some(id) = &app.cluster else { return vec![(0, "no cluster chosen".to_owned())] };
    let facts = app.facts();
    let mut segments = vec![(0, id.name.clone())];
    if !id.region.is_empty() {
        segments.push((2, id.region.clone()));
    }
    match facts.cluster.value() {
        Some(cluster) => {
            segments.extend(cluster.account().map(|account| (4, account)));
            segments.push((1, cluster.mode_text()));
            segments.extend(cluster.version.clone().map(|version| (3, version)));
        }
        None => segments.push((
            1,
            match facts.cluster.state() {
                State::Refused(failure) | State::Failed(failure) => format!("? cluster {}", failure.word()),
                _ => "⟳ mode not known yet".to_owned(),
            },
        )),
    }
    segments
}

/// `you ● oncall → View@cluster`, as much of it as there is room for. Gives where it begins.
fn you(canvas: &mut Canvas<'_>, area: Rect, end: u16, room: u16, app: &App) -> u16 {
    let (glyph, role, name, gets) = match (app.caller(), &app.you.trace) {
        (Some(asked), Some(trace)) if trace.resolution.verdict == Verdict::Unknown && progress(app).is_some() => {
            ("⟳", Role::Accent, asked.principal.name, None)
        }
        (Some(asked), Some(trace)) => {
            let words = trace.resolution.words();
            let (glyph, role) = sign::mark(trace.resolution.verdict.mark());
            let name = if asked.principal.name.is_empty() { "root".to_owned() } else { asked.principal.name.clone() };
            (glyph, role, name, Some(gets(&trace.resolution).unwrap_or_else(|| words.to_owned())))
        }
        (Some(asked), None) => ("⟳", Role::Accent, asked.principal.name, None),
        (None, _) => ("?", Role::Unknown, "not known".to_owned(), None),
    };
    let gets = gets.map(|text| format!(" → {text}")).unwrap_or_default();
    let fixed = 6;
    let room = usize::from(room);
    let name_width = width(&name).min(room.saturating_sub(fixed));
    let gets_width = width(&gets).min(room.saturating_sub(fixed + name_width));
    // An arrow with three letters says nothing.
    let gets_width = if gets_width < width(&gets).min(9) { 0 } else { gets_width };
    let start = end.saturating_sub((fixed + name_width + gets_width) as u16);
    let mut x = start;
    x += canvas.put(x, area.y, 4, "you ", Role::Dim);
    x += canvas.put(x, area.y, 1, glyph, role) + 1;
    x += canvas.put(x, area.y, name_width as u16, &name, Role::Text);
    canvas.put(x, area.y, gets_width as u16, &gets, Role::Dim);
    start
}

/// The first policies, else the groups.
fn gets(resolution: &Resolution) -> Option<String> {
    resolution.mapping.as_ref()?;
    let policies: Vec<String> = (resolution.access_policies.iter().flatten())
        .map(|policy| {
            let scope = match (policy.access_scope.kind, policy.access_scope.namespaces.first()) {
                (ScopeKind::Namespace, Some(first)) => first.as_str(),
                _ => "cluster",
            };
            format!("{}@{scope}", policy.short_name())
        })
        .collect();
    let groups = resolution.identity.as_ref().map(|who| who.groups.clone()).unwrap_or_default();
    let all = if policies.is_empty() { groups } else { policies };
    (!all.is_empty()).then(|| all.join(", "))
}

/// The panes, and on the right how old the facts are or what is still coming.
pub(super) fn tabs(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    let mut end = area.x;
    for tab in tabs_of(app, area.width) {
        let shown = tab.pane == app.pane;
        let mut x = tab.x;
        let digit = format!("{} ", tab.pane.index() + 1);
        x += canvas.put(x, area.y, 2, &digit, if shown { Role::Focus } else { Role::Dim });
        x += canvas.put(x, area.y, 20, tab.title, if shown { Role::Focus } else { Role::Text });
        x += canvas.put(x, area.y, 8, &tab.count, if shown { Role::Focus } else { Role::Dim });
        x += canvas.put(x, area.y, 8, &tab.findings, Role::Warn);
        end = x;
    }
    let (text, role) = freshness(app);
    let room = area.right().saturating_sub(end + 3);
    let text = text.into_iter().find(|text| width(text) <= usize::from(room)).unwrap_or_default();
    canvas.put_right(end + 2, area.right().saturating_sub(1), area.y, &text, role);
}

/// How old the facts are, or what is still coming: the longest text first.
fn freshness(app: &App) -> (Vec<String>, Role) {
    let facts = app.facts();
    let progress = if app.cluster.is_some() && app.is_live() { facts.progress() } else { Vec::new() };
    if !progress.is_empty() {
        let sections = count(progress.len(), "section", "sections");
        return (vec![format!("⟳ {sections} to come"), format!("⟳ {}", progress.len())], Role::Accent);
    }
    let stale = matches!(parts(app.pane, &facts).first().map(|part| part.state), Some(State::Stale { .. }));
    let texts = match (&app.snapshot.source, app.snapshot.taken_at, app.since()) {
        (Source::File { path }, Some(at), _) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            let at = at.to_string();
            let minute = at.get(..16).unwrap_or(&at).replace('T', " ");
            vec![format!("{name} · taken {minute}"), format!("taken {minute}"), minute.chars().take(10).collect()]
        }
        (Source::File { path }, None, _) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            vec![format!("from {name}"), name.to_owned()]
        }
        (_, _, Some(since)) => {
            let age = age(app.now, since).0;
            if stale {
                return (vec![format!("◌ read {age}"), format!("◌ {age}")], Role::Warn);
            }
            vec![format!("read {age}"), age]
        }
        _ => Vec::new(),
    };
    (texts, Role::Dim)
}

/// Which services throttle: `EKS throttles: 2 calls at once`.
fn throttling(app: &App) -> Vec<String> {
    let name = |service: &str| match service {
        "kubernetes" => "Kubernetes".to_owned(),
        other => other.to_uppercase(),
    };
    let slowed = app.pace.iter().filter_map(|(service, pace)| Some((name(service), (*pace)?)));
    slowed.map(|(name, pace)| format!("{name} throttles: {} at once", count(pace, "call", "calls"))).collect()
}

/// What is still being read and how far it is: `access entries 12 of 62 · pods 300 · nodes`.
fn progress(app: &App) -> Option<String> {
    let facts = app.facts();
    let progress = if app.cluster.is_some() && app.is_live() { facts.progress() } else { Vec::new() };
    let section = |(name, done, total): (&str, usize, Option<usize>)| match (done, total) {
        (done, Some(total)) => format!("{name} {done} of {total}"),
        (0, None) => name.to_owned(),
        (done, None) => format!("{name} {done}"),
    };
    if progress.is_empty() {
        return None;
    }
    Some(throttling(app).into_iter().chain(progress.into_iter().map(section)).collect::<Vec<_>>().join(" · "))
}

/// A notice, the filter, what is still coming, or what the row says; on the right where the cursor is. Gives where the text cursor is.
pub(super) fn status(canvas: &mut Canvas<'_>, area: Rect, app: &App) -> Option<Position> {
    // What is typed in this line stays in it.
    let is_typed_here = app.context() == Context::Prompt && app.overlays.last().is_none_or(Overlay::is_place);
    let gives_way = !is_typed_here && app.notice.as_ref().is_none_or(|it| it.passes);
    if let Some((tone, text)) = waiting(app).filter(|_| gives_way) {
        let (glyph, role) = sign::tone(tone);
        canvas.put(area.x + 1, area.y, 1, glyph, role);
        let inner = Rect { x: area.x + 3, width: area.width.saturating_sub(4), ..area };
        canvas.paragraph(inner, &text, Role::Text);
        return None;
    }
    if let Some(notice) = &app.notice {
        let (glyph, role) = if notice.is_problem { ("!", Role::Warn) } else { ("✓", Role::Good) };
        canvas.put(area.x + 1, area.y, 1, glyph, role);
        let inner = Rect { x: area.x + 3, width: area.width.saturating_sub(4), ..area };
        canvas.paragraph(inner, &notice.text, Role::Text);
        return None;
    }
    // A place that is narrowed as a list is says so as the list does.
    let narrowed = match app.overlays.last() {
        Some(Overlay::Matrix(view)) => {
            let all = view.permitted.as_ref().map_or(0, |it| it.matrix.rows.len());
            Some((&view.filter, view.editing, (view.scroll.at, view.len(), all)))
        }
        Some(Overlay::WhoCan(view)) => {
            let (shown, all) = view.counts();
            Some((&view.filter, view.editing, (view.scroll.at, shown, all)))
        }
        Some(Overlay::Journal(view)) => {
            let (shown, all) = view.counts();
            Some((&view.filter, view.editing, (view.scroll.at, shown, all)))
        }
        _ => None,
    };
    if let Some((input, editing, (at, shown, total))) = narrowed {
        let position = position(at, shown, total);
        let end = canvas.put_right(area.x, area.right().saturating_sub(1), area.y, &position, Role::Dim);
        if !editing && input.value().is_empty() {
            return None;
        }
        return filter(canvas, Rect { width: end.saturating_sub(area.x + 3), ..area }, input, editing);
    }
    if !app.overlays.is_empty() {
        return None;
    }
    let state = app.state();
    let total = app.table(app.pane).map_or(0, |table| table.rows().len());
    let shown = state.shown().len();
    let position = position(state.at(), shown, total);
    let mut end = canvas.put_right(area.x, area.right().saturating_sub(1), area.y, &position, Role::Dim);
    let marked = marked(app);
    if let Some((marked, _)) = &marked {
        end = canvas.put_right(area.x, end.saturating_sub(2), area.y, marked, Role::Focus);
    }
    let room = end.saturating_sub(area.x + 3);
    if state.editing || !state.filter.value().is_empty() {
        return filter(canvas, Rect { width: room, ..area }, &state.filter, state.editing);
    }
    if let Some((_, keys)) = marked {
        canvas.put(area.x + 1, area.y, 1, sign::MARKED, Role::Focus);
        canvas.put(area.x + 3, area.y, room.saturating_sub(1), &keys, Role::Dim);
        return None;
    }
    if let Some(text) = progress(app) {
        canvas.put(area.x + 1, area.y, 1, "⟳", Role::Accent);
        canvas.put(area.x + 3, area.y, room.saturating_sub(1), &text, Role::Dim);
        return None;
    }
    // Where the detail stands beside the list, it says all this.
    if area.width >= WIDE {
        return None;
    }
    let row = app.selected_row()?;
    if !row.lookalike.is_empty() {
        canvas.put(area.x + 1, area.y, 1, "≈", Role::Warn);
        canvas.put(area.x + 3, area.y, room.saturating_sub(1), &row.lookalike, Role::Text);
        return None;
    }
    let finding = app.detail.about.iter().find(|fact| fact.finding.is_some());
    match (finding, row.because.as_str()) {
        (Some(fact), _) => {
            let (glyph, role) = sign::sign(fact.sign).unwrap_or((" ", Role::Text));
            canvas.put(area.x + 1, area.y, 1, glyph, role);
            canvas.put(area.x + 3, area.y, room.saturating_sub(1), &fact.text, Role::Dim);
        }
        (None, "") => {}
        (None, because) => {
            let (glyph, role) = sign::mark(row.mark);
            canvas.put(area.x + 1, area.y, 1, glyph, role);
            canvas.put(area.x + 3, area.y, room.saturating_sub(1), because, Role::Dim);
        }
    }
    None
}

/// How many rows are marked, seen or not, and which keys act on them.
fn marked(app: &App) -> Option<(String, String)> {
    let rows = app.marked_rows();
    if rows.is_empty() {
        return None;
    }
    let table = app.table(app.pane)?;
    let shown = |key: &str| app.state().shown().iter().any(|at| table.row(*at).is_some_and(|row| row.key == key));
    let hidden = rows.iter().filter(|row| !shown(&row.key)).count();
    let text = match hidden {
        0 => format!("{} marked", rows.len()),
        hidden => format!("{} marked, {hidden} not shown", rows.len()),
    };
    let acting: &[Command] = match app.pane {
        crate::app::pane::Pane::PodIdentity => &[Command::Identity, Command::Remove],
        _ => &[Command::Add, Command::TakePolicy, Command::Remove, Command::Recreate, Command::CopyAccess],
    };
    let key = |command: &Command| app.keymap.chords(Context::List, *command).next().map(|it| it.to_string());
    let back = key(&Command::Back).unwrap_or_default();
    let keys = acting.iter().filter_map(key).collect::<Vec<_>>().join(", ");
    Some((text, format!("{keys} act on the marked; {back} clears")))
}

/// Where the cursor is, or how many rows a filter leaves.
fn position(at: usize, shown: usize, total: usize) -> String {
    match (shown, shown == total) {
        (0, true) => String::new(),
        (_, true) => format!("{} of {total}", at + 1),
        (_, false) => format!("{shown} of {total}"),
    }
}

/// A filter, typed or standing, in so many columns. Gives where the text cursor is, if it is typed.
fn filter(canvas: &mut Canvas<'_>, area: Rect, input: &tui_input::Input, editing: bool) -> Option<Position> {
    let x = area.x + 1 + canvas.put(area.x + 1, area.y, 1, "/", Role::Key);
    let role = if editing { Role::Text } else { Role::Accent };
    typed(canvas, (x, area.y), area.width, input, role).filter(|_| editing)
}

/// A text being typed, scrolled so that its cursor is seen. Gives where the cursor is.
pub(super) fn typed(
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    columns: u16,
    input: &tui_input::Input,
    role: Role,
) -> Option<Position> {
    // What is drawn may be wider than what was typed, where deceptive characters are written out.
    let before: String = input.value().chars().take(input.cursor()).collect();
    let left = width(&crate::model::visible::visible(&before));
    let room = usize::from(columns.saturating_sub(1));
    let skipped = left.saturating_sub(room);
    let mut rest = input.value();
    let mut gone = 0;
    while gone < skipped {
        let Some(c) = rest.chars().next() else { break };
        gone += width(&crate::model::visible::visible(c.encode_utf8(&mut [0; 4])));
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    canvas.put(x, y, columns, rest, role);
    Some(Position { x: x + (left.saturating_sub(gone) as u16).min(columns), y })
}

/// The keys that matter here, as many as there is room for; help is always there.
pub(super) fn footer(canvas: &mut Canvas<'_>, area: Rect, app: &App) {
    let context = app.context();
    let help = (context != Context::Prompt).then(|| (app.keymap.chords(context, Command::Help).next(), "help"));
    let right = area.right().saturating_sub(1);
    let end = match help {
        Some((Some(chord), word)) => {
            let x = canvas.put_right(area.x, right, area.y, word, Role::Dim).saturating_sub(1);
            canvas.put_right(area.x, x, area.y, &chord.to_string(), Role::Key)
        }
        _ => right,
    };
    let mut x = area.x + 1;
    let sign_in = (context == Context::List && needs_sign_in(app)).then_some(&Command::SignIn);
    let sign_in = sign_in.filter(|it| it.availability(app, context) == Availability::Ready);
    for command in sign_in.into_iter().chain(foremost(context, app.pane)) {
        // Where nothing can be changed, the room is for what can be done.
        if command.spec().group == Group::Change && context == Context::List && !app.may_write() {
            continue;
        }
        // Nor is what is reviewed for what is being applied, or the reverse.
        let applied = matches!(app.top_place(), Some(Overlay::Apply { .. }));
        let reviewed = matches!(app.top_place(), Some(Overlay::Plan(_)));
        if command.spec().group == Group::Change
            && (applied && *command != Command::Undo || reviewed && *command == Command::Undo)
        {
            continue;
        }
        let Some(chord) = app.keymap.chords(context, *command).next() else { continue };
        let ready = command.availability(app, context) == Availability::Ready;
        // What changes something is offered only where it can; that the review cannot be applied yet stands above.
        let is_change = matches!(context, Context::Review | Context::Journal | Context::Batch)
            && command.spec().group == Group::Change;
        if is_change && !ready && *command != Command::Apply || context == Context::SignIn && !ready {
            continue;
        }
        let chord = chord.to_string();
        // What the row opens with all that it says is no trace.
        let shows = *command == Command::Trace && context == Context::List && app.shows_row();
        let word = if shows { "show" } else { command.spec().hint };
        let wanted = (width(&chord) + 1 + width(word)) as u16;
        if x + wanted + 2 > end {
            break;
        }
        x += canvas.put(x, area.y, wanted, &chord, if ready { Role::Key } else { Role::Dim }) + 1;
        x += canvas.put(x, area.y, wanted, word, Role::Dim) + 2;
    }
}
