//! Answers that are none, and those that are.

use super::*;

fn check(service: Service, operation: &str, body: &str) -> Result<Vec<Unreadable>, String> {
    let check = AnswerCheck::new(service, operation);
    check.success(body.as_bytes()).map_err(|odd| odd.to_string())?;
    Ok(check.unreadable())
}

fn details(lists: &str, end: &str) -> String {
    let operation = "GetAccountAuthorizationDetails";
    format!(
        "<?xml version=\"1.0\"?><{operation}Response xmlns=\"x\"><{operation}Result>{lists}{end}</{operation}Result></{operation}Response>\n"
    )
}

const LISTS: &str = "<UserDetailList/><GroupDetailList/><RoleDetailList></RoleDetailList><Policies/>";
const END: &str = "<IsTruncated>false</IsTruncated>";

#[test]
fn a_list_of_the_account_is_whole_or_no_answer() {
    let of = |lists: &str, end: &str| check(Service::Iam, "GetAccountAuthorizationDetails", &details(lists, end));
    assert_eq!(of(LISTS, END), Ok(vec![]));
    assert_eq!(of(LISTS, "<IsTruncated>true</IsTruncated><Marker>m</Marker>"), Ok(vec![]));
    assert_eq!(of(LISTS, &format!("{END}<Marker/><SomethingNew><a>1</a></SomethingNew>")), Ok(vec![]));
    for (lists, end, wanted) in [
        (LISTS.replace("<Policies/>", ""), END, "Policies is missing"),
        (LISTS.replace("<Policies/>", "<Policies>x</Policies>"), END, "Policies is no list"),
        (LISTS.replace("<Policies/>", "<Policies><item/></Policies>"), END, "Policies is no list"),
        (format!("{LISTS}<Policies/>"), END, "Policies is there twice"),
        (LISTS.to_owned(), "", "IsTruncated is missing"),
        (LISTS.to_owned(), "<IsTruncated>no</IsTruncated>", "IsTruncated is neither"),
        (LISTS.to_owned(), "<IsTruncated>true</IsTruncated>", "IsTruncated is true, and there is no Marker"),
        (LISTS.to_owned(), "<IsTruncated>false</IsTruncated><Marker>m</Marker>", "is false, and there is a Marker"),
    ] {
        let why = of(&lists, end).expect_err(&lists);
        assert!(why.contains(wanted), "{why}");
    }
    let whole = details(LISTS, END);
    for end in 0..whole.trim_end().len() {
        let cut = check(Service::Iam, "GetAccountAuthorizationDetails", &whole[..end]);
        assert!(cut.is_err(), "cut at {end}");
    }
}

#[test]
fn a_role_that_cannot_be_read_is_set_aside_by_its_name() {
    let role = |name: &str, lists: &str| {
        format!("<member><Path>/</Path>{name}<RoleId>AROA</RoleId><Arn>arn</Arn>{lists}</member>")
    };
    let lists = "<InstanceProfileList/><RolePolicyList/><AttachedManagedPolicies/>";
    let name = |name: &str| format!("<RoleName>{name}</RoleName>");
    let roles = [
        role(&name("good"), lists),
        role(&name("no-policies"), &lists.replace("<RolePolicyList/>", "")),
        role("", lists),
        role(&name("dated"), &format!("{lists}<CreateDate>yesterday</CreateDate>")),
    ];
    let all = LISTS.replace("<RoleDetailList>", &format!("<RoleDetailList>{}", roles.concat()));
    let aside = check(Service::Iam, "GetAccountAuthorizationDetails", &details(&all, END)).expect("the rest is read");
    let found: Vec<_> = aside.iter().map(|it| (it.list, it.index, it.name.as_deref(), it.fault.to_string())).collect();
    assert_eq!(
        found,
        [
            ("RoleDetailList", 1, Some("no-policies"), "is not readable: RolePolicyList is missing".to_owned()),
            ("RoleDetailList", 2, None, "is not readable: RoleName is missing".to_owned()),
            ("RoleDetailList", 3, Some("dated"), "is not readable: CreateDate is no date and time".to_owned()),
        ]
    );
}

#[test]
fn xml_is_read_as_xml() {
    let whole = |text: &str| xml::parse(text.as_bytes()).map(|it| (it.name, it.text, it.children.len()));
    for (text, wanted) in [
        ("<a>x &amp; &#60;y&#x3E;</a>", Ok(("a".to_owned(), "x & <y>".to_owned(), 0))),
        ("\u{feff}<?xml version='1.0'?>\n<!-- a > b --><a c='>'><b/></a>\n", Ok(("a".to_owned(), String::new(), 1))),
        ("<a <b/>", Err("a tag begins within a tag")),
        ("<a b=\">\"><b/><c></c></a>\n<!-- end -->", Ok(("a".to_owned(), String::new(), 2))),
        ("<a><![CDATA[<b>]]></a>", Ok(("a".to_owned(), "<b>".to_owned(), 0))),
        ("<a><b></a></b>", Err("an element is closed by another's name")),
        ("<a></a><a></a>", Err("it has two root elements")),
        ("<a></a>x", Err("there is text outside of the root element")),
        ("<a><b></b>", Err("it ends before its last element does")),
        ("<a", Err("a tag does not end")),
        ("<a>&nbsp;</a>", Err("an entity is not known")),
        ("<a>& </a>", Err("an entity does not end")),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", Err("it declares a document type")),
        ("</a>", Err("an element is closed that was not open")),
        ("", Err("it has no element")),
    ] {
        let found = whole(text);
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn an_answer_names_what_was_asked_for() {
    let mut check = AnswerCheck::new(Service::Sts, "GetCallerIdentity");
    check.names(&["Account"], "111122223333");
    let body = |account: &str| {
        format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><UserId>u</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
    };
    assert_eq!(check.success(body("111122223333").as_bytes()), Ok(()));
    assert!(check.success(body("444455556666").as_bytes()).is_err());
    assert!(check.success(body("").as_bytes()).is_err());
}

#[test]
fn not_found_is_the_services_own_word_or_none() {
    let said = |service, code: Option<&str>, body: &str| {
        AnswerCheck::new(service, "GetRole").refusal(code, body.as_bytes()).is_ok()
    };
    let eks = Some("ResourceNotFoundException");
    for (code, body, wanted) in [
        (eks, r#"{"message": "No cluster found for name: x."}"#, true),
        (None, r#"{"__type": "ResourceNotFoundException", "message": "m"}"#, true),
        (eks, "{}", false),
        (eks, r#"{"message": " "}"#, false),
        (eks, "", false),
        (eks, "<html>", false),
        (None, r#"{"message": "m"}"#, false),
    ] {
        assert_eq!(said(Service::Eks, code, body), wanted, "{code:?} {body}");
    }
    let iam = "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>m</Message></Error></ErrorResponse>";
    assert!(said(Service::Iam, None, iam));
    for body in
        ["", "<html></html>", &iam[..50], &iam.replace("Message", "Massage"), &iam.replace("ErrorResponse", "X")]
    {
        assert!(!said(Service::Iam, Some("NoSuchEntity"), body), "{body}");
    }
}

#[test]
fn words_of_an_object_are_not_quoted_but_a_page_is() {
    let page = described(Service::Kubernetes, Some("text/html"), b"<html>\n  <h1>404</h1>");
    assert_eq!(
        page,
        "The answer is text/html and begins \"<html> <h1>404</h1>\". Check whether a proxy or load balancer answers in place of \
         the Kubernetes API"
    );
    assert!(!described(Service::Kubernetes, None, br#"{"data": "hunter2"}"#).contains("hunter2"));
}
