//! Where an invitation to test a connection leads: off to the provider at once.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, web};

use crate::broker::Broker;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/test", web::get().to(test));
}

#[derive(serde::Deserialize)]
struct Invited {
    #[serde(default)]
    invitation: String,
}

async fn test(broker: Data<Broker>, visiting: Visiting, slug: Path<String>, query: Query<Invited>) -> HttpResponse {
    let next = super::accept(&broker, &visiting.visitor, &slug, &query.invitation).await;
    respond(&broker, &visiting, next, "login").await
}
