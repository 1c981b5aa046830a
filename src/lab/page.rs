//! Pages of lists, for all protocols: a limit, and an opaque token for what comes after.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A token that no page was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadToken;

/// The items from where `token` says, at most `limit` of them, and the token of the rest.
pub(super) fn page<T>(items: Vec<T>, limit: usize, token: Option<&str>) -> Result<(Vec<T>, Option<String>), BadToken> {
    let start = match token {
        Some(token) => read(token).ok_or(BadToken)?,
        None => 0,
    };
    let limit = limit.max(1);
    let more = items.len().saturating_sub(start) > limit;
    let page = items.into_iter().skip(start).take(limit).collect();
    Ok((page, more.then(|| write(start + limit))))
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
                let (page, next) = page(items.clone(), limit, token.as_deref()).unwrap();
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
    fn a_token_that_was_never_given_is_refused() {
        assert_eq!(page(vec![1], 1, Some("2")), Err(BadToken));
        assert_eq!(page(vec![1], 1, Some("")), Err(BadToken));
    }
}
