//! Pages of the hand-over: trying the next secret, and putting the former one back.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};

use super::{rehearse, restore};
use crate::admin::connection::credential::pages::{Question, ask, back, page};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::Done;
use crate::admin::pages::{capitalised, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Trouble};

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |tail: &str| format!("/connections/{{slug}}/credentials/secrets/{{id}}{tail}");
    app.route(&at("/rehearsal"), web::post().to(tried))
        .route(&at("/restore"), web::get().to(ask_restore))
        .route(&at("/restore"), web::post().to(put_back));
}

type At = Path<(String, String)>;

async fn tried(posted: Posted<Edit, NoFields>, at: At) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    match rehearse(&desk.broker, &desk.author, &at.0, &at.1).await {
        Ok(_) => Ok(back(&desk, &at.0, Done::Asked)),
        Err(Trouble::Conflict("not_rehearsed", said)) => {
            let errors = FieldErrors::one(&at.1, format!("{}.", capitalised(&said)));
            Ok(show_again(&page(&desk, &at.0, errors).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn ask_restore(desk: Desk<Edit>, at: At) -> Result<HttpResponse, Trouble> {
    let (name, id) = at.into_inner();
    ask(&desk, &name, |one, _| Question {
        what: format!("Put the former secret of {} back?", one.display_name),
        explanation: "Sign-ins use it again from now on. The one in use now is kept as next, to be promoted another time.",
        touches: vec![("People affected".into(), "None, as long as the provider still takes it".into())],
        action: format!("/secrets/{id}/restore"),
        button: "Put it back",
        harmless: true,
    })
    .await
}

async fn put_back(posted: Posted<Edit, NoFields>, at: At) -> Result<HttpResponse, Trouble> {
    restore(&posted.desk.broker.ctx, &posted.desk.author, &at.0, &at.1).await?;
    Ok(back(&posted.desk, &at.0, Done::Saved))
}
