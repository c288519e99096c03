//! Pages below `/admin/users/{sub}` that ask before something ends: block, sign-out, deletion, one session, one application.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};

use crate::admin::extract::{Desk, Posted};
use crate::admin::frame::{Done, Section, segment};
use crate::admin::pages::{ConfirmPage, show};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::user::pages::called;
use crate::admin::user::{nobody, sub, unlinked};
use crate::admin::{Edit, Trouble};
use crate::consent;
use crate::ids::{SessionId, UserId};
use crate::session::person::unlink::unlink;
use crate::session::person::{self, Reach};
use crate::token::withdrawal;
use crate::user::record::{self, Record};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/users/{sub}/block").route(web::get().to(ask_block)).route(web::post().to(block)))
        .service(web::resource("/users/{sub}/unblock").route(web::get().to(ask_unblock)).route(web::post().to(unblock)))
        .service(
            web::resource("/users/{sub}/sign-out").route(web::get().to(ask_sign_out)).route(web::post().to(sign_out)),
        )
        .service(web::resource("/users/{sub}/delete").route(web::get().to(ask_delete)).route(web::post().to(delete)))
        .service(
            web::resource("/users/{sub}/sessions/{id}/end").route(web::get().to(ask_end)).route(web::post().to(end)),
        )
        .service(
            web::resource("/users/{sub}/identities/{id}/unlink")
                .route(web::get().to(ask_unlink))
                .route(web::post().to(unlink_identity)),
        )
        .service(
            web::resource("/users/{sub}/grants/{client_id}/withdraw")
                .route(web::get().to(ask_withdraw))
                .route(web::post().to(withdraw)),
        )
        .service(
            web::resource("/users/{sub}/consents/{client_id}/forget")
                .route(web::get().to(ask_forget))
                .route(web::post().to(forget)),
        );
}

/// A person, and what hangs on them now.
struct Asking {
    desk: Desk<Edit>,
    id: UserId,
    known: Record,
    reach: Reach,
}

/// A question: the words that differ.
struct Question {
    question: String,
    explanation: String,
    touches: Vec<(String, String)>,
    /// Below the person's path.
    step: String,
    button: &'static str,
    keep: &'static str,
    harmless: bool,
}

impl Asking {
    async fn about(desk: Desk<Edit>, path: &str) -> Result<Self, Trouble> {
        let (id, broker) = (sub(path)?, &desk.broker);
        let mut conn = broker.ctx.db.acquire().await?;
        let known = record::store::of(&mut conn, &id).await?.ok_or_else(|| nobody(&id))?;
        let reach = person::store::reach(&mut conn, &id, broker.session_lifetimes, broker.ctx.now()).await?;
        drop(conn);
        Ok(Self { desk, id, known, reach })
    }

    fn name(&self) -> String {
        called(&self.known.user)
    }

    fn touches(&self) -> Vec<(String, String)> {
        vec![
            ("Browsers signed in".into(), self.reach.sessions.to_string()),
            ("Applications with tokens".into(), self.reach.clients.to_string()),
            ("Grants of refresh tokens".into(), self.reach.refresh_families.to_string()),
        ]
    }

    fn ask(&self, question: Question) -> HttpResponse {
        let frame = self.desk.frame(Section::Users);
        let back = frame.to(&format!("/admin/users/{}", self.id));
        show(&ConfirmPage {
            question: question.question,
            explanation: question.explanation,
            touches: question.touches,
            fields: Vec::new(),
            action: format!("{back}/{}", question.step),
            button: question.button.into(),
            back,
            back_label: self.name(),
            keep: question.keep,
            harmless: question.harmless,
            frame,
        })
    }
}

fn back_to(desk: &Desk<Edit>, id: &UserId, done: Done) -> HttpResponse {
    see_other(&desk.broker.ctx.urls.local(&done.at(&format!("/admin/users/{id}"))))
}

async fn ask_block(desk: Desk<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let asking = Asking::about(desk, &path).await?;
    Ok(asking.ask(Question {
        question: format!("Block {}?", asking.name()),
        explanation: "They are signed out of everything, their refresh tokens end, and they cannot sign in again until they are \
                      unblocked. Access tokens that are out already hold until they expire, an hour as a rule, wherever the \
                      application does not ask us."
            .into(),
        touches: asking.touches(),
        step: "block".into(),
        button: "Block",
        keep: "Leave as it is",
        harmless: false,
    }))
}

async fn block(posted: Posted<Edit, NoFields>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, id) = (posted.desk, sub(&path)?);
    person::block(&desk.broker.ctx, &desk.author, &id).await?.ok_or_else(|| nobody(&id))?;
    Ok(back_to(&desk, &id, Done::Disabled))
}

async fn ask_unblock(desk: Desk<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let asking = Asking::about(desk, &path).await?;
    Ok(asking.ask(Question {
        question: format!("Let {} sign in again?", asking.name()),
        explanation: "They may sign in again from now on. What ended when they were blocked does not come back.".into(),
        touches: Vec::new(),
        step: "unblock".into(),
        button: "Unblock",
        keep: "Leave blocked",
        harmless: true,
    }))
}

async fn unblock(posted: Posted<Edit, NoFields>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, id) = (posted.desk, sub(&path)?);
    if !person::unblock(&desk.broker.ctx, &desk.author, &id).await? {
        return Err(nobody(id));
    }
    Ok(back_to(&desk, &id, Done::Enabled))
}

async fn ask_sign_out(desk: Desk<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let asking = Asking::about(desk, &path).await?;
    Ok(asking.ask(Question {
        question: format!("Sign {} out everywhere?", asking.name()),
        explanation: "All their sessions and refresh tokens end, and applications that want to hear of it are told. They may sign \
                      in again at once."
            .into(),
        touches: asking.touches(),
        step: "sign-out".into(),
        button: "Sign out everywhere",
        keep: "Leave signed in",
        harmless: false,
    }))
}

async fn sign_out(posted: Posted<Edit, NoFields>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, id) = (posted.desk, sub(&path)?);
    person::sign_out(&desk.broker.ctx, &desk.author, &id).await?.ok_or_else(|| nobody(&id))?;
    Ok(back_to(&desk, &id, Done::Removed))
}

async fn ask_delete(desk: Desk<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let asking = Asking::about(desk, &path).await?;
    let mut explanation = "Profile, identities, sessions, refresh tokens, consents and login traces are erased for good; the audit \
                           log keeps the sub and nothing else of them. Whoever signs in again by the same identity is somebody \
                           new, with another sub: what applications stored under the old one is not found any more. To keep \
                           somebody out, block them instead."
        .to_owned();
    if let Some(file) = asking.known.file() {
        explanation.push_str(&format!(
            " The file {file} names this person: take them out there too, or the next avouch apply makes them anew."
        ));
    }
    let mut touches = asking.touches();
    touches.push(("Identities".into(), asking.reach.identities.to_string()));
    touches.push(("Consents".into(), asking.reach.consents.to_string()));
    touches.push(("The sub that is gone then".into(), asking.id.to_string()));
    Ok(asking.ask(Question {
        question: format!("Delete {}?", asking.name()),
        explanation,
        touches,
        step: "delete".into(),
        button: "Delete for good",
        keep: "Keep this person",
        harmless: false,
    }))
}

async fn delete(posted: Posted<Edit, NoFields>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, id) = (posted.desk, sub(&path)?);
    person::erase(&desk.broker.ctx, &desk.author, &id).await?.ok_or_else(|| nobody(&id))?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/users"))))
}

async fn ask_end(desk: Desk<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, session) = path.into_inner();
    let asking = Asking::about(desk, &id).await?;
    let broker = &asking.desk.broker;
    let mut conn = broker.ctx.db.acquire().await?;
    let live = person::store::live(&mut conn, &asking.id, broker.session_lifetimes, broker.ctx.now()).await?;
    drop(conn);
    let found = live.into_iter().find(|one| one.id.as_str() == session);
    let one = found.ok_or_else(|| Trouble::Unknown(format!("live session {session} of {id}")))?;
    let none = |clients: Vec<String>| if clients.is_empty() { "None".into() } else { clients.join(", ") };
    Ok(asking.ask(Question {
        question: format!("End this session of {}?", asking.name()),
        explanation: "That browser is signed out, and applications that want to hear of it are told. Refresh tokens that the person \
                      let outlive a sign-out (offline_access) stay; withdraw those from the application."
            .into(),
        touches: vec![
            ("Browser".into(), one.user_agent.unwrap_or_else(|| "Unknown".into())),
            ("Applications in it".into(), none(one.clients)),
        ],
        step: format!("sessions/{}/end", segment(&session)),
        button: "End session",
        keep: "Leave signed in",
        harmless: false,
    }))
}

async fn end(posted: Posted<Edit, NoFields>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (desk, (id, session)) = (posted.desk, path.into_inner());
    let id = sub(&id)?;
    // one that is over by now is what was wanted
    person::end_session(&desk.broker.ctx, &desk.author, &id, &SessionId::from_stored(session)).await?;
    Ok(back_to(&desk, &id, Done::Removed))
}

async fn ask_unlink(desk: Desk<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, identity) = path.into_inner();
    let asking = Asking::about(desk, &id).await?;
    let mut conn = asking.desk.broker.ctx.db.acquire().await?;
    let known = record::store::identities(&mut conn, &asking.id).await?;
    drop(conn);
    let found = known.into_iter().find(|one| one.id.as_str() == identity);
    let one = found.ok_or_else(|| Trouble::Unknown(format!("identity {identity} of user {id}")))?;
    Ok(asking.ask(Question {
        question: format!("Take this identity away from {}?", asking.name()),
        explanation: "They can no longer sign in by it; sessions and refresh tokens that came by it end. Whoever signs in by it later \
                      is somebody new, with a sub of their own."
            .into(),
        touches: vec![("Connection".into(), one.connection_name), ("Subject".into(), one.subject)],
        step: format!("identities/{}/unlink", segment(&identity)),
        button: "Take away",
        keep: "Leave it",
        harmless: false,
    }))
}

async fn unlink_identity(
    posted: Posted<Edit, NoFields>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Trouble> {
    let (desk, (id, identity)) = (posted.desk, path.into_inner());
    let done = unlink(&desk.broker.ctx, &desk.author, &sub(&id)?, &identity, None).await?;
    unlinked(done, &id, &identity)?;
    Ok(back_to(&desk, &sub(&id)?, Done::Removed))
}

async fn ask_withdraw(desk: Desk<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, client_id) = path.into_inner();
    let asking = Asking::about(desk, &id).await?;
    let now = asking.desk.broker.ctx.now();
    let mut conn = asking.desk.broker.ctx.db.acquire().await?;
    let held = withdrawal::store::held(&mut conn, &asking.id, now).await?;
    drop(conn);
    let count = held.iter().filter(|one| one.client_id == client_id).count();
    Ok(asking.ask(Question {
        question: format!("Withdraw the tokens of {client_id}?"),
        explanation: "The application cannot get new tokens for this person by itself from then on. Its access token holds until it \
                      expires, and while a browser is signed in the person gets new ones without being asked."
            .into(),
        touches: vec![("Grants of refresh tokens".into(), count.to_string())],
        step: format!("grants/{}/withdraw", segment(&client_id)),
        button: "Withdraw",
        keep: "Leave them",
        harmless: false,
    }))
}

async fn withdraw(posted: Posted<Edit, NoFields>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (desk, (id, client_id)) = (posted.desk, path.into_inner());
    let id = sub(&id)?;
    withdrawal::withdraw(&desk.broker.ctx, &desk.author, &id, &client_id).await?;
    Ok(back_to(&desk, &id, Done::Removed))
}

async fn ask_forget(desk: Desk<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, client_id) = path.into_inner();
    let asking = Asking::about(desk, &id).await?;
    Ok(asking.ask(Question {
        question: format!("Forget what {} allowed {client_id}?", asking.name()),
        explanation: "The person is asked again when they next sign in to it. Tokens that it has stay as they are."
            .into(),
        touches: Vec::new(),
        step: format!("consents/{}/forget", segment(&client_id)),
        button: "Forget",
        keep: "Leave it",
        harmless: true,
    }))
}

async fn forget(posted: Posted<Edit, NoFields>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (desk, (id, client_id)) = (posted.desk, path.into_inner());
    let id = sub(&id)?;
    consent::forget(&desk.broker.ctx, &desk.author, &id, &client_id).await?;
    Ok(back_to(&desk, &id, Done::Removed))
}
