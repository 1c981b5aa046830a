//! Settings that `aws` heeds and this program does not: they are said, never passed over silently.

use aws_types::os_shim_internal::Env;

use super::AwsSetup;

/// A setting in the file, the variable for it, and what holds here instead. An empty name stands for none.
const IGNORED: [(&str, &str, &str); 9] = [
    ("retry_mode", "AWS_RETRY_MODE", "requests are retried in mode standard"),
    ("max_attempts", "AWS_MAX_ATTEMPTS", "each request is tried 4 times at most"),
    ("metadata_service_timeout", "AWS_METADATA_SERVICE_TIMEOUT", "the metadata service has 1 second to answer"),
    ("metadata_service_num_attempts", "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "the metadata service is asked 4 times"),
    ("defaults_mode", "AWS_DEFAULTS_MODE", "timeouts and retries are this program's own"),
    ("tcp_keepalive", "", "connections are kept alive as the system does"),
    ("sdk_ua_app_id", "AWS_SDK_UA_APP_ID", "requests name eksplorer as the application"),
    ("", "AWS_CREDENTIAL_FILE", "only the shared credentials file is read"),
    ("", "BOTO_CONFIG", "the configuration of boto 2 is not read"),
];

/// One sentence for each setting that is there and does nothing.
pub(in crate::cloud) fn ignored_settings(setup: &AwsSetup, env: &Env) -> Vec<String> {
    let mut said = Vec::new();
    for (setting, variable, instead) in IGNORED {
        let place = setup.files.place_of(&setup.profile.name);
        if !variable.is_empty() && env.get(variable).is_ok() {
            said.push(format!("{variable} has no effect here: {instead}"));
        } else if !setting.is_empty() && setup.setting(setting).is_some() {
            said.push(format!("{setting} of {place} has no effect here: {instead}"));
        }
    }
    if setup.files.others.contains("plugins") {
        said.push(format!("[plugins] of {} has no effect here: no plugins are loaded", setup.files.config.display()));
    }
    if setup.setting("sso_account_id").is_some() && env.get("AWS_ENDPOINT_URL_SSO").is_err() && names_sso(setup) {
        let place = setup.files.place_of(&setup.profile.name);
        said.push(format!(
            "the endpoint of {place} has no effect on the role credentials of IAM Identity Center here: name theirs by \
             AWS_ENDPOINT_URL_SSO"
        ));
    }
    let legacy = |value: String| value.eq_ignore_ascii_case("legacy");
    if env.get("AWS_STS_REGIONAL_ENDPOINTS").is_ok_and(legacy)
        || setup.setting("sts_regional_endpoints").is_some_and(legacy)
    {
        said.push("sts_regional_endpoints = legacy has no effect here: the STS of the region is asked".to_owned());
    }
    said
}

/// Whether the profile names an endpoint that would hold for IAM Identity Center, too.
fn names_sso(setup: &AwsSetup) -> bool {
    let services = setup.setting("services").and_then(|it| setup.files.services.get(&it).cloned());
    setup.setting("endpoint_url").is_some() || services.is_some_and(|it| it.contains_key("sso"))
}
