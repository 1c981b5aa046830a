//! Signature Version 4, from the verifying side.
//!
//! Decides what a signed request claims (which key, for which service) and whether the signature is that of the
//! secret which belongs to the key: in the `Authorization` header, as API calls have it, or in the query, as
//! presigned URLs and cluster tokens do. Whose the key is, and how the answer is worded, is for others to say.
//! The age of an API call is not judged, so that a lab works on a machine whose clock is wrong.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::HeaderMap;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::encoding::{encode, query};
use super::keys::{hex, mac, sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parts of a request that a signature covers, as they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// Raw, percent-encoding and all.
    pub(super) path: &'a str,
    /// Raw, without the question mark.
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// What the signature of a request says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) access_key_id: String,
    /// The credential's date: `20261124`.
    date: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) signed_headers: Vec<String>,
    pub(super) session_token: Option<String>,
    amz_date: String,
    signature: String,
    in_query: bool,
}

/// Why there is no claim to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// Nothing in it is a signature.
    Missing,
    /// A signature is there, but a part of it is missing or cannot be read.
    Incomplete,
}

impl Claim {
    /// Reads a request's claim.
    pub(super) fn read(request: &Signed<'_>) -> Result<Claim, Unsigned> {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(text) = header("authorization") {
            let parts = text.strip_prefix(ALGORITHM).ok_or(Unsigned::Incomplete)?;
            let part = |name: &str| {
                let found = parts.split(',').find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='));
                found.ok_or(Unsigned::Incomplete)
            };
            let amz_date = header("x-amz-date").ok_or(Unsigned::Incomplete)?;
            let token = header("x-amz-security-token").map(str::to_owned);
            return Claim::new(part("Credential")?, part("SignedHeaders")?, part("Signature")?, amz_date, token, false);
        }
        let pairs = query(request.query).ok_or(Unsigned::Incomplete)?;
        let value = |name: &str| pairs.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
        if value("X-Amz-Algorithm").ok_or(Unsigned::Missing)? != ALGORITHM {
            return Err(Unsigned::Incomplete);
        }
        let part = |name: &str| value(name).ok_or(Unsigned::Incomplete);
        let token = value("X-Amz-Security-Token").map(str::to_owned);
        let (credential, date) = (part("X-Amz-Credential")?, part("X-Amz-Date")?);
        Claim::new(credential, part("X-Amz-SignedHeaders")?, part("X-Amz-Signature")?, date, token, true)
    }

    fn new(
        credential: &str,
        signed_headers: &str,
        signature: &str,
        amz_date: &str,
        session_token: Option<String>,
        in_query: bool,
    ) -> Result<Claim, Unsigned> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = parts[..] else {
            return Err(Unsigned::Incomplete);
        };
        if !amz_date.starts_with(date) || signed_time(amz_date).is_none() {
            return Err(Unsigned::Incomplete);
        }
        Ok(Claim {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: signed_headers.split(';').map(str::to_ascii_lowercase).collect(),
            session_token,
            amz_date: amz_date.to_owned(),
            signature: signature.to_owned(),
            in_query,
        })
    }

    /// When it was signed.
    pub(super) fn signed_at(&self) -> Option<Timestamp> {
        signed_time(&self.amz_date)
    }

    /// Was it signed with this secret, and is it as it was then?
    pub(super) fn holds(&self, request: &Signed<'_>, secret: &str) -> bool {
        self.signature_by(request, secret)
            .is_some_and(|right| verify_slices_are_equal(right.as_bytes(), self.signature.as_bytes()).is_ok())
    }

    fn signature_by(&self, request: &Signed<'_>, secret: &str) -> Option<String> {
        let canonical = sha256(self.canonical(request)?.as_bytes());
        let Claim { date, region, service, amz_date, .. } = self;
        let to_sign = format!("{ALGORITHM}\n{amz_date}\n{date}/{region}/{service}/aws4_request\n{canonical}");
        let key = mac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
        let key = [region, service, "aws4_request"].iter().fold(key, |key, part| mac(&key, part.as_bytes()));
        Some(hex(&mac(&key, to_sign.as_bytes())))
    }

    /// The canonical request; `None` if a header that was signed is not there.
    fn canonical(&self, request: &Signed<'_>) -> Option<String> {
        // All services but S3 encode the path, which is encoded already, once more.
        let path: Vec<String> = request.path.split('/').map(encode).collect();
        let mut pairs: Vec<(String, String)> = query(request.query)?
            .iter()
            .filter(|(name, _)| !(self.in_query && name.eq_ignore_ascii_case("X-Amz-Signature")))
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = String::new();
        for name in &self.signed_headers {
            let mut values = request.headers.get_all(name).iter().peekable();
            values.peek()?;
            let values: Option<Vec<String>> = values
                .map(|value| Some(value.to_str().ok()?.split_ascii_whitespace().collect::<Vec<_>>().join(" ")))
                .collect();
            headers.push_str(&format!("{name}:{}\n", values?.join(",")));
        }
        let signed = self.signed_headers.join(";");
        let path = path.join("/");
        Some(format!("{}\n{path}\n{}\n{headers}\n{signed}\n{}", request.method, pairs.join("&"), sha256(request.body)))
    }
}

/// `20261124T060000Z`
fn signed_time(text: &str) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
    }

    /// The worked example of the AWS General Reference, "Signature Version 4 signing process".
    fn worked_example() -> HeaderMap {
        headers(&[
            ("host", "iam.amazonaws.com"),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, \
                 Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ])
    }

    fn list_users(headers: &HeaderMap) -> Signed<'_> {
        Signed { method: "GET", path: "/", query: "Action=ListUsers&Version=2010-05-08", headers, body: b"" }
    }

    #[test]
    fn the_worked_example_of_aws_holds() {
        let headers = worked_example();
        let request = list_users(&headers);
        let claim = Claim::read(&request).unwrap();
        assert_eq!(
            (claim.access_key_id.as_str(), claim.region.as_str(), claim.service.as_str()),
            ("AKIDEXAMPLE", "us-east-1", "iam")
        );
        assert_eq!(claim.signed_at().unwrap().to_string(), "2015-08-30T12:36:00Z");
        assert!(claim.holds(&request, SECRET));
    }

    #[test]
    fn whatever_the_signature_covers_cannot_be_changed() {
        let headers = worked_example();
        let request = list_users(&headers);
        let claim = Claim::read(&request).unwrap();
        assert!(!claim.holds(&request, "another secret"));
        assert!(!claim.holds(&Signed { method: "POST", ..request }, SECRET));
        assert!(!claim.holds(&Signed { path: "/x", ..request }, SECRET));
        assert!(!claim.holds(&Signed { query: "Action=ListRoles&Version=2010-05-08", ..request }, SECRET));
        assert!(!claim.holds(&Signed { body: b"x", ..request }, SECRET));
        let mut other = worked_example();
        other.insert("host", HeaderValue::from_static("127.0.0.1"));
        assert!(!claim.holds(&Signed { headers: &other, ..request }, SECRET));
        other.remove("host");
        assert!(!claim.holds(&Signed { headers: &other, ..request }, SECRET), "a header that was signed is gone");
    }

    #[test]
    fn a_request_without_a_whole_signature_makes_no_claim() {
        let none = HeaderMap::new();
        assert_eq!(Claim::read(&list_users(&none)), Err(Unsigned::Missing));
        for broken in [
            "Bearer x",
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/iam/aws4_request, SignedHeaders=host",
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/iam/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=AKID/20150829/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0",
        ] {
            let headers = headers(&[("authorization", broken), ("x-amz-date", "20150830T123600Z")]);
            assert_eq!(Claim::read(&list_users(&headers)), Err(Unsigned::Incomplete), "{broken}");
        }
    }
}
