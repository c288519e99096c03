//! Finding people: search, filters and pages of the list.

use super::{ahead, page, sub_of};
use crate::admin::{Api, Operator};
use crate::harness::World;

#[tokio::test]
async fn people_are_found_by_beginnings_of_their_words_by_sub_and_by_subject() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let marty = ahead(&world, &api, "Marty.McFly@Hill-Valley.example", "Marty McFly", "subject:1").await;
    let emile = ahead(&world, &api, "emile@x.example", "Émile Zola-Šťastný", "subject:2").await;
    let percent = ahead(&world, &api, "percent@x.example", "100% 'quoted' \\ & | ! :*", "subject:3").await;
    for (search, expected) in [
        ("mart", vec![&marty]),
        ("MCFLY", vec![&marty]),
        ("mcfly+mart", vec![&marty]),
        ("hill-val", vec![&marty]),
        ("marty.mcfly%40hill-valley.example", vec![&marty]),
        ("arty", vec![]),
        ("mcfly+zola", vec![]),
        ("%C3%A9mi", vec![&emile]),
        ("%C5%A0%C5%A5ast", vec![&emile]),
        ("x.example", vec![&percent, &emile]),
        ("100%25", vec![&percent]),
        ("%27quoted%27+%5C+%26", vec![&percent]),
        ("%27%3A*", vec![]),
        ("subject%3A2", vec![&emile]),
        ("subject%3A", vec![]),
        (marty.as_str(), vec![&marty]),
        ("usr_00000000000000000000000000", vec![]),
        ("%00%FF", vec![]),
    ] {
        let found = page(&api, &format!("q={search}")).await.0;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{search}");
    }
}

#[tokio::test]
async fn filters_narrow_the_list_together() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let (_, tokens) = world.signed_in().await;
    let here = sub_of(&tokens);
    world.connect("fabrikam", "").await;
    world.broker.clock.advance(time::Duration::seconds(1));
    let not_yet = ahead(&world, &api, "new@x.example", "Newcomer", "new").await;
    let blocked = ahead(&world, &api, "bad@x.example", "Bad", "bad").await;
    assert_eq!(api.post(&format!("/users/{blocked}/block"), &serde_json::json!({})).await.status, 200);
    let all = vec![blocked.clone(), not_yet.clone(), here.clone()];
    for (query, expected) in [
        ("", all.clone()),
        ("connection=contoso", all.clone()),
        ("connection=fabrikam", vec![]),
        ("connection=no-such", vec![]),
        ("status=blocked", vec![blocked.clone()]),
        ("status=active", vec![not_yet.clone(), here.clone()]),
        ("status=never_signed_in", vec![blocked.clone(), not_yet.clone()]),
        ("status=never_signed_in&connection=contoso&q=newc", vec![not_yet.clone()]),
    ] {
        assert_eq!(page(&api, query).await.0, expected, "{query}");
    }
    let answer = api.get("/users?status=nonsense").await;
    assert_eq!((answer.status, answer.text("code")), (400, "malformed"));
    let line = &api.get("/users?status=active").await.json["items"][1];
    assert_eq!((&line["connections"][0], &line["status"]), (&"contoso".into(), &"active".into()), "{line}");
    assert!(line["last_sign_in_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
}

#[tokio::test]
async fn pages_neither_repeat_nor_hide_anybody_while_people_come_and_go() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let mut people = Vec::new();
    for number in 0..7 {
        people.push(ahead(&world, &api, &format!("p{number}@x.example"), "Person", &format!("s{number}")).await);
    }
    people.reverse();
    let (first, next) = page(&api, "limit=3&q=person").await;
    assert_eq!(first, people[..3]);
    ahead(&world, &api, "late@x.example", "Person Late", "late").await;
    assert_eq!(api.delete(&format!("/users/{}", people[2])).await.status, 204, "the very one that the page ended with");
    assert_eq!(api.delete(&format!("/users/{}", people[4])).await.status, 204);
    let (second, next) = page(&api, &format!("limit=2&q=person&after={}", next.unwrap())).await;
    assert_eq!(second, [people[3].clone(), people[5].clone()]);
    let (third, next) = page(&api, &format!("limit=3&q=person&after={}", next.unwrap())).await;
    assert_eq!((third, next), (vec![people[6].clone()], None));
    for query in ["after=nonsense", "limit=0", "limit=201", "limit=x"] {
        assert_eq!(api.get(&format!("/users?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn the_page_pages_and_searches_as_the_api_does() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    for number in 0..3 {
        ahead(&world, &api, &format!("p{number}@x.example"), &format!("Person {number}"), &format!("s{number}")).await;
    }
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let shown = ada.open("/admin/users?limit=2&q=person").await;
    assert!(
        shown.body.contains("Person 2") && shown.body.contains("Person 1") && !shown.body.contains("Person 0"),
        "{shown}"
    );
    let next = shown.body.split("id=\"next-page\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let shown = ada.open(&next).await;
    assert!(shown.body.contains("Person 0") && !shown.body.contains("Person 1") && !shown.has("next-page"), "{shown}");
    assert!(ada.open("/admin/users?q=nobody").await.has("nobody"));
}
