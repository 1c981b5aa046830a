//! Condition operators by name.
//!
//! Decides which names there are and what they are made of: a test of sets before, the comparison, `IfExists` behind.
//! Comparing is `access::trust`'s.

/// An operator, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`
    pub set: Option<SetTest>,
    /// The comparison, never a negated one.
    pub base: Base,
    /// `StringNotEquals`, `NotIpAddress` and their like: no value may fit.
    pub negated: bool,
    /// `…IfExists`: holds where the request lacks the key.
    pub if_exists: bool,
}

/// How the values of a request are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SetTest {
    ForAllValues,
    ForAnyValue,
}

/// The comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Base {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    /// `ArnEquals` and `ArnLike`, which are one.
    Arn,
    Bool,
    Null,
    BinaryEquals,
    IpAddress,
    Number(Order),
    Date(Order),
}

/// How the request's value stands to the one wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const NAMES: &[(&str, Base, bool)] = &[
    ("StringEquals", Base::StringEquals, false),
    ("StringNotEquals", Base::StringEquals, true),
    ("StringEqualsIgnoreCase", Base::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Base::StringEqualsIgnoreCase, true),
    ("StringLike", Base::StringLike, false),
    ("StringNotLike", Base::StringLike, true),
    ("ArnEquals", Base::Arn, false),
    ("ArnNotEquals", Base::Arn, true),
    ("ArnLike", Base::Arn, false),
    ("ArnNotLike", Base::Arn, true),
    ("Bool", Base::Bool, false),
    ("Null", Base::Null, false),
    ("BinaryEquals", Base::BinaryEquals, false),
    ("IpAddress", Base::IpAddress, false),
    ("NotIpAddress", Base::IpAddress, true),
    ("NumericEquals", Base::Number(Order::Equal), false),
    ("NumericNotEquals", Base::Number(Order::Equal), true),
    ("NumericLessThan", Base::Number(Order::Less), false),
    ("NumericLessThanEquals", Base::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Base::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Base::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Base::Date(Order::Equal), false),
    ("DateNotEquals", Base::Date(Order::Equal), true),
    ("DateLessThan", Base::Date(Order::Less), false),
    ("DateLessThanEquals", Base::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Base::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Base::Date(Order::GreaterOrEqual), false),
];

impl Operator {
    /// By its name. Its case is let go: whatever stands in a document that IAM stores, IAM has taken for an operator.
    pub fn parse(text: &str) -> Option<Operator> {
        let (set, rest) = match text.split_once(':') {
            None => (None, text),
            Some((head, rest)) if head.eq_ignore_ascii_case("ForAllValues") => (Some(SetTest::ForAllValues), rest),
            Some((head, rest)) if head.eq_ignore_ascii_case("ForAnyValue") => (Some(SetTest::ForAnyValue), rest),
            Some(_) => return None,
        };
        let stem = rest.len().checked_sub("IfExists".len()).and_then(|at| rest.split_at_checked(at));
        let (name, if_exists) = match stem {
            Some((name, tail)) if tail.eq_ignore_ascii_case("IfExists") => (name, true),
            _ => (rest, false),
        };
        let (_, base, negated) = NAMES.iter().find(|(it, ..)| it.eq_ignore_ascii_case(name))?;
        // Null asks for the key's presence itself: neither goes with it.
        if *base == Base::Null && (set.is_some() || if_exists) {
            return None;
        }
        Some(Operator { set, base: *base, negated: *negated, if_exists })
    }

    /// What follows where the request lacks the key (all but `Null`). Of no values none fits: `ForAnyValue` is false then,
    /// whatever `IfExists` says.
    pub fn without_key(self) -> bool {
        match self.set {
            Some(SetTest::ForAllValues) => true,
            Some(SetTest::ForAnyValue) => false,
            None => self.if_exists || self.negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let it = Operator::parse("ForAllValues:StringNotLikeIfExists").expect("an operator");
        assert_eq!(
            it,
            Operator { set: Some(SetTest::ForAllValues), base: Base::StringLike, negated: true, if_exists: true }
        );
        assert_eq!(Operator::parse("stringequals"), Operator::parse("StringEquals"));
        assert_eq!(Operator::parse("ArnEquals"), Operator::parse("ArnLike"));
        for (name, ..) in NAMES {
            assert!(Operator::parse(name).is_some(), "{name}");
        }
        for none in
            ["", "IfExists", "StringEqual", "ForAllValues:", "ForSome:Bool", "NullIfExists", "ForAnyValue:Null", "ü"]
        {
            assert_eq!(Operator::parse(none), None, "{none}");
        }
    }
}
