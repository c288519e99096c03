//! The XML that we send. It is written in exclusive canonical form (xml-exc-c14n), so that signing needs no
//! canonicalisation and everything is escaped in one place: what is digested is what is sent.

use super::xml::{DS, MD, SAML, SAMLP, XENC, XENC11};

/// An element with a well-known prefix: `samlp:AuthnRequest`.
#[derive(Clone, Debug)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Content>,
}

#[derive(Clone, Debug)]
enum Content {
    Element(Element),
    Text(String),
}

fn namespace(prefix: &str) -> &'static str {
    match prefix {
        "saml" => SAML,
        "samlp" => SAMLP,
        "md" => MD,
        "ds" => DS,
        "xenc" => XENC,
        "xenc11" => XENC11,
        _ => unreachable!("{prefix} is no prefix of ours"),
    }
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), content: Vec::new() }
    }

    pub(super) fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub(super) fn attribute_if(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    pub(super) fn child(mut self, child: Self) -> Self {
        self.content.push(Content::Element(child));
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.content.extend(children.into_iter().map(Content::Element));
        self
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.content.push(Content::Text(text.into()));
        self
    }

    /// Before the `at`th child.
    pub(super) fn insert(&mut self, at: usize, child: Self) {
        self.content.insert(at, Content::Element(child));
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Canonical: namespaces where first used, attributes in order, no empty-element tags.
    pub(super) fn write(&self) -> String {
        let mut out = String::new();
        self.write_into(&mut out, &[]);
        out
    }

    fn write_into(&self, out: &mut String, declared: &[&str]) {
        let prefix = self.name.split(':').next().unwrap_or_default();
        let mut declared = declared.to_vec();
        out.push('<');
        out.push_str(self.name);
        if !declared.contains(&prefix) {
            declared.push(prefix);
            out.push_str(&format!(" xmlns:{prefix}=\"{}\"", namespace(prefix)));
        }
        // ours have no prefix but xml:, whose namespace sorts behind none
        let mut attributes: Vec<_> = self.attributes.iter().collect();
        attributes.sort_by_key(|(name, _)| (name.contains(':'), *name));
        for (name, value) in attributes {
            out.push_str(&format!(" {name}=\"{}\"", escaped(value, true)));
        }
        out.push('>');
        for content in &self.content {
            match content {
                Content::Element(element) => element.write_into(out, &declared),
                Content::Text(text) => out.push_str(&escaped(text, false)),
            }
        }
        out.push_str(&format!("</{}>", self.name));
    }
}

/// Canonical XML §2.3. Characters that XML cannot carry at all become U+FFFD.
fn escaped(text: &str, attribute: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' if !attribute => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\t' if attribute => out.push_str("&#x9;"),
            '\n' if attribute => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            c if c.is_ascii_control() && c != '\u{7f}' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_back() {
        let nasty = "a&b<c>\"d'\r\n\té\u{1}";
        let xml = Element::new("samlp:X")
            .attribute("b", nasty)
            .attribute("a", "1")
            .child(Element::new("saml:Y").text(nasty).child(Element::new("saml:Z")))
            .write();
        assert!(
            xml.starts_with(r#"<samlp:X xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" a="1" b="a&amp;b&lt;c>"#)
        );
        let read = roxmltree::Document::parse(&xml).unwrap();
        assert_eq!(read.root_element().attribute("b"), Some("a&b<c>\"d'\r\n\té\u{fffd}"));
        assert_eq!(super::super::xml::text(read.root_element()), "a&b<c>\"d'\r\n\té\u{fffd}");
    }
}
