//! As much HTML as our own pages are made of: forms with their fields and buttons, and the text of an element by id.

#[derive(Clone, Debug, Default)]
pub struct Form {
    pub id: String,
    pub action: String,
    pub method: String,
    pub enctype: String,
    /// Name and value of every field in it; buttons are not fields.
    pub fields: Vec<(String, String)>,
    /// Id, name and value.
    pub buttons: Vec<(String, String, String)>,
}

pub fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for part in html.split("<form").skip(1) {
        let body = part.split("</form>").next().unwrap_or_default();
        let tag = body.split('>').next().unwrap_or_default();
        let attribute = |name: &str| attribute(tag, name).unwrap_or_default();
        let mut form = Form {
            id: attribute("id"),
            action: attribute("action"),
            method: attribute("method"),
            enctype: attribute("enctype"),
            ..Form::default()
        };
        // in a select, the first option counts until another is selected
        let mut undecided = false;
        for (element, tag) in tags(body) {
            let get = |name: &str| self::attribute(tag, name).unwrap_or_default();
            match element {
                "input" if get("name").is_empty() => {}
                "input" if matches!(get("type").as_str(), "checkbox" | "radio") && !is_set(tag, "checked") => {}
                "input" => form.fields.push((get("name"), get("value"))),
                "textarea" => form.fields.push((get("name"), unescaped(body_of(body, tag)))),
                "select" => {
                    form.fields.push((get("name"), String::new()));
                    undecided = true;
                }
                "option" if undecided || is_set(tag, "selected") => {
                    form.fields.last_mut().expect("an option stands in a select").1 = get("value");
                    undecided = false;
                }
                "button" => form.buttons.push((get("id"), get("name"), get("value"))),
                _ => {}
            }
        }
        forms.push(form);
    }
    forms
}

/// The text inside the element with this id, up to the next tag.
pub fn text_of(html: &str, id: &str) -> Option<String> {
    let after = html.split(&format!("id=\"{id}\"")).nth(1)?;
    let inner = after.split_once('>')?.1;
    Some(unescaped(inner.split('<').next()?.trim()))
}

fn tags(html: &str) -> impl Iterator<Item = (&str, &str)> {
    html.split('<').skip(1).filter_map(|part| {
        let tag = part.split('>').next()?;
        Some((tag.split_whitespace().next()?, tag))
    })
}

/// Whether the tag has this attribute, which needs no value.
fn is_set(tag: &str, name: &str) -> bool {
    tag.split_whitespace().any(|word| word == name)
}

/// The text after this tag, up to the next.
fn body_of<'a>(html: &'a str, tag: &str) -> &'a str {
    let after = html.split_once(tag).map_or("", |(_, after)| after);
    after.strip_prefix('>').and_then(|after| after.split('<').next()).unwrap_or_default()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let after = tag.split(&format!(" {name}=\"")).nth(1)?;
    Some(unescaped(after.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    let mut out = text.to_owned();
    for (entity, character) in [
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, character);
    }
    out
}
