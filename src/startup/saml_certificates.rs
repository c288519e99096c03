//! Certificates of SAML identity providers have rows of their own since they have a life of their own; before, they stood
//! in their connection's settings as they were written. SQL reads no X.509, so the migration ends here. Where it has been
//! done, and by two replicas at a time, nothing happens.

use crate::audit::Author;
use crate::connection::certificate::{self, Facts, Origin, Source};
use crate::connection::saml::IdpSource;
use crate::connection::{self, Connection, Protocol, Slug};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::upstream::saml::{TrustedCertificate, read_idp_metadata};

/// # Errors
/// the database's; then nothing was changed.
pub(super) async fn give_rows(ctx: &Ctx) -> Result<(), sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        for (slug, texts) in certificate::store::take_from_settings(conn).await? {
            let Some(connection) = read(conn, &slug).await? else { continue };
            trust(ctx, conn, &connection, &by_hand(&slug, &texts)).await?;
        }
        for slug in certificate::store::only_in_metadata(conn).await? {
            let Some(connection) = read(conn, &slug).await? else { continue };
            trust(ctx, conn, &connection, &in_metadata(&connection)).await?;
        }
        Ok(())
    })
    .await
}

async fn read(conn: &mut Conn, slug: &str) -> Result<Option<Connection>, sqlx::Error> {
    let Ok(slug) = Slug::parse(slug) else { return Ok(None) };
    connection::store::by_slug(conn, &slug).await
}

fn by_hand(slug: &str, texts: &[String]) -> Vec<Facts> {
    let read = texts.iter().map(|text| TrustedCertificate::from_text(text));
    let told = read.inspect(|read| {
        if let Err(error) = read {
            tracing::error!(connection = slug, %error, "a stored certificate cannot be used; add it anew");
        }
    });
    told.flatten().map(|certificate| Facts::from(&certificate)).collect()
}

fn in_metadata(connection: &Connection) -> Vec<Facts> {
    let Protocol::Saml(settings) = &connection.protocol else { return Vec::new() };
    let IdpSource::Metadata { xml } = &settings.source else { return Vec::new() };
    match read_idp_metadata(xml.as_bytes(), settings.entity_id.as_deref(), None) {
        Ok(metadata) => metadata.certificate_facts(),
        Err(refusal) => {
            tracing::error!(connection = %connection.slug, %refusal, "stored metadata cannot be used; apply it anew");
            Vec::new()
        }
    }
}

async fn trust(ctx: &Ctx, conn: &mut Conn, connection: &Connection, facts: &[Facts]) -> Result<(), sqlx::Error> {
    let origin = Origin { source: Source::File, author: &Author::system() };
    certificate::follow(ctx, conn, connection, facts, true, origin).await.map(drop)
}
