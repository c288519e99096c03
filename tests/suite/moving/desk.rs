//! The same at the desk.

use crate::admin::Operator;
use crate::harness::until;

use super::Move;

#[tokio::test]
async fn an_editor_plans_moves_a_few_looks_who_came_and_completes() {
    let (this, subs) = Move::of(2).await;
    let mut editor = Operator::signed_in(&this.world.broker, "editor").await;
    let page = editor.open("/admin/users").await;
    assert!(page.body.contains("/admin/moves"), "{page}");
    let page = editor.open("/admin/moves/new").await;
    let wrong = [("from", "contoso"), ("to", "fabrikam"), ("table", "old_subject,new_subject\nold-1,\n")];
    let page = editor.submit(&page, "plan", &wrong).await;
    assert!(page.status == 422 && page.body.contains("is empty, too long"), "{page}");
    let right = [("table", "old_subject,new_subject\nold-1,new-1\nold-2,new-2\nold-3,new-3\n")];
    let page = editor.submit(&page, "plan", &right).await;
    assert!(page.url.path().starts_with("/admin/moves/mov_") && page.body.contains("Can be moved"), "{page}");
    let address = page.url.path().to_owned();
    let page = editor.submit(&page, "step", &[("first", "1"), ("step", "forward")]).await;
    assert_eq!(page.status, 200, "{page}");
    let page = until("the first is moved", async || {
        let page = editor.open(&address).await;
        page.body.contains("0 came by the new one already").then_some(page)
    })
    .await;
    assert_eq!(this.sub_at("fabrikam", "new-1").await.unwrap(), subs[0]);
    let page = editor.submit(&page, "step", &[("first", ""), ("step", "forward")]).await;
    assert_eq!(page.status, 200, "{page}");
    until("both are moved", async || {
        let page = editor.open(&address).await;
        (page.body.contains("1 came by the new one already")
            && !page.has("due")
            && !page.body.contains("Can be moved</a>"))
        .then_some(())
    })
    .await;
    let page = editor.open(&format!("{address}/complete")).await;
    assert!(page.body.contains("no way back"), "{page}");
    let page = editor.press(&page, "go").await;
    assert_eq!(page.status, 200, "{page}");
    until("it is completed", async || editor.open(&address).await.body.contains(">Completed<").then_some(())).await;
    assert_eq!(this.sub_at("fabrikam", "new-2").await.unwrap(), subs[1]);
}
