//! Pages: `/admin/connections/{slug}/credentials/rotation`.
