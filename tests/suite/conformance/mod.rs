//! What the certification plans of the OpenID Foundation check of a provider: one test a module, of the module's name with
//! underscores. Other folders test the same rules in more breadth; here one sees at a glance that none is missing.

mod basic;
mod config;
mod form_post;
mod modules;
mod op;
mod rp_initiated_logout;

use op::{Mode, Op};

/// One test for each module named, in this response mode.
macro_rules! plan {
    ($mode:ident: $($module:ident)*) => {
        $(
            #[tokio::test]
            async fn $module() {
                super::modules::$module(&super::Op::new(super::Mode::$mode).await).await;
            }
        )*
    };
}

/// The 38 modules of the basic plan, which are the form post plan too.
macro_rules! basic_plan {
    ($mode:ident) => {
        super::plan! { $mode:
            oidcc_server
            oidcc_response_type_missing
            oidcc_idtoken_signature
            oidcc_idtoken_unsigned
            oidcc_userinfo_get
            oidcc_userinfo_post_header
            oidcc_userinfo_post_body
            oidcc_ensure_request_without_nonce_succeeds_for_code_flow
            oidcc_scope_profile
            oidcc_scope_email
            oidcc_scope_address
            oidcc_scope_phone
            oidcc_scope_all
            oidcc_alternate_happy_flow
            oidcc_display_page
            oidcc_display_popup
            oidcc_prompt_login
            oidcc_prompt_none_not_logged_in
            oidcc_prompt_none_logged_in
            oidcc_max_age_1
            oidcc_max_age_10000
            oidcc_ensure_request_with_unknown_parameter_succeeds
            oidcc_id_token_hint
            oidcc_login_hint
            oidcc_ui_locales
            oidcc_claims_locales
            oidcc_ensure_request_with_acr_values_succeeds
            oidcc_codereuse
            oidcc_codereuse_30seconds
            oidcc_ensure_registered_redirect_uri
            oidcc_ensure_post_request_succeeds
            oidcc_server_client_secret_post
            oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
            oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported
            oidcc_ensure_request_object_with_redirect_uri
            oidcc_claims_essential
            oidcc_refresh_token
            oidcc_ensure_request_with_valid_pkce_succeeds
        }
    };
}

use {basic_plan, plan};
