//! The form post OP plan: the basic one with `response_mode=form_post`, whose answers, errors too, are a form for the
//! browser to post.

super::basic_plan!(FormPost);
