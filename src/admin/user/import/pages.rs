//! Pages: `/admin/users/import`, first to look and then to do it, and `/admin/users/export`.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::api::exported;
use super::extract::Tabled;
use super::{Looked, look};
use crate::admin::extract::Desk;
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::{Edit, Read, Trouble};
use crate::user::import::{self, COLUMNS, Fault, MOST_ROWS};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/users/import").route(web::get().to(ask)).route(web::post().to(bring_in)))
        .route("/users/export", web::get().to(export));
}

#[derive(Template)]
#[template(path = "admin/user/import.html")]
struct ImportPage {
    frame: Frame,
    table: String,
    errors: FieldErrors,
    /// By line; the first of them.
    faults: Vec<Fault>,
    more_faults: usize,
    looked: Option<Looked>,
}

/// Lines of a table that a page shows.
const SHOWN: usize = 50;

impl ImportPage {
    fn of(desk: &Desk<Edit>, table: &[u8]) -> Self {
        Self {
            frame: desk.frame(Section::Users),
            table: String::from_utf8_lossy(table).trim_start_matches('\u{feff}').into(),
            errors: FieldErrors::default(),
            faults: Vec::new(),
            more_faults: 0,
            looked: None,
        }
    }
}

async fn ask(desk: Desk<Edit>) -> HttpResponse {
    show(&ImportPage::of(&desk, b""))
}

async fn bring_in(tabled: Tabled) -> Result<HttpResponse, Trouble> {
    let Tabled { desk, table, go, .. } = tabled;
    let mut page = ImportPage::of(&desk, &table);
    if table.iter().all(u8::is_ascii_whitespace) {
        page.errors = FieldErrors::one("table", "Choose a file, or paste the table here.");
        return Ok(show_again(&page));
    }
    match look(&desk.broker, &table).await? {
        Ok(looked) if go => {
            import::import(&desk.broker.ctx, &desk.author, &looked.ready).await?;
            Ok(see_other(&desk.broker.ctx.urls.local(&Done::Created.at("/admin/users?status=never_signed_in"))))
        }
        Ok(looked) => {
            page.looked = Some(looked);
            Ok(show(&page))
        }
        Err(mut faults) => {
            let count = faults.len();
            page.more_faults = count.saturating_sub(SHOWN);
            faults.truncate(SHOWN);
            page.errors = FieldErrors::one("table", format!("{count} to correct; nobody was brought in."));
            page.faults = faults;
            if page.table.len() > import::MOST_BYTES / 4 {
                // the file is where it is corrected, and the page stays a page
                page.table.clear();
            }
            Ok(show_again(&page))
        }
    }
}

async fn export(desk: Desk<Read>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    exported(&desk.broker, req.query_string()).await
}
