//! The basic OP plan: authorization code, answers in the query.

super::basic_plan!(Query);
