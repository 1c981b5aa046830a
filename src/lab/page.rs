//! Pages of lists, for all protocols: a limit, and an opaque token for what comes after.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Why there is no such page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPage<E> {
    /// No page was given this token.
    BadToken,
    /// It is past the part of the list that is known.
    Unread(E),
}

/// A page, and the token of what comes after it.
pub(super) type Page<T> = (Vec<T>, Option<String>);

/// The items from where `token` says, at most `limit` of them, and the token of the rest. When the end of the list is
/// `unread`, what is known of it comes first, and the page after that fails.
pub(super) fn page<T, E>(
    items: Vec<T>,
    limit: usize,
    token: Option<&str>,
    unread: Option<E>,
) -> Result<Page<T>, NoPage<E>> {
    let start = match token {
        Some(token) => read(token).ok_or(NoPage::BadToken)?,
        None => 0,
    };
    let limit = limit.max(1);
    let known = items.len();
    let more = known.saturating_sub(start) > limit || unread.is_some();
    if let Some(why) = unread.filter(|_| token.is_some() && start >= known) {
        return Err(NoPage::Unread(why));
    }
    let page = items.into_iter().skip(start).take(limit).collect();
    Ok((page, more.then(|| write(start.saturating_add(limit).min(known)))))
}

fn write(offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("after {offset}"))
}

fn read(token: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix("after ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_pages_of_a_list_are_the_list(items in prop::collection::vec(any::<u8>(), 0..50), limit in 1usize..20) {
            let (mut all, mut token, mut pages) = (Vec::new(), None, 0);
            loop {
                let (page, next) = page(items.clone(), limit, token.as_deref(), None::<()>).unwrap();
                prop_assert!(page.len() <= limit);
                all.extend(page);
                pages += 1;
                token = next;
                if token.is_none() { break; }
            }
            prop_assert_eq!(pages, items.len().div_ceil(limit).max(1));
            prop_assert_eq!(all, items);
        }
    }

    #[test]
    fn a_list_whose_end_is_unread_ends_in_its_failure() {
        for known in [0, 2, 3] {
            let items: Vec<usize> = (0..known).collect();
            let (mut all, mut token) = (Vec::new(), None);
            let why = loop {
                match page(items.clone(), 2, token.as_deref(), Some("throttled")) {
                    Ok((page, next)) => {
                        all.extend(page);
                        token = Some(next.unwrap());
                    }
                    Err(why) => break why,
                }
            };
            assert_eq!((all, why), (items, NoPage::Unread("throttled")));
        }
    }

    #[test]
    fn a_token_that_was_never_given_is_refused() {
        assert_eq!(page(vec![1], 1, Some("2"), None::<()>), Err(NoPage::BadToken));
        assert_eq!(page(vec![1], 1, Some(""), None::<()>), Err(NoPage::BadToken));
    }
}
