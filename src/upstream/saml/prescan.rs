//! What must hold of the bytes before any parser sees them, and the one strict parse after that. Everything two parsers
//! could disagree about (document types, entities, comments, encodings) is refused here, as is everything that costs
//! more to read than to send.

use std::collections::HashSet;

use roxmltree::{Document, ParsingOptions};

use super::refusal::{Refusal, refuse};

/// What a document of one kind may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) nodes: u32,
    /// Metadata comes out of people's editors: there, and only there, comments and processing instructions are read over.
    pub(super) comments: bool,
}

pub(super) const RESPONSE: Limits = Limits { bytes: 256 << 10, nodes: 20_000, comments: false };
pub(super) const LOGOUT: Limits = Limits { bytes: 64 << 10, nodes: 2_000, comments: false };
pub(super) const METADATA: Limits = Limits { bytes: 5 << 20, nodes: 400_000, comments: true };
/// No document that SAML needs is deeper, no element has more attributes.
const DEPTH: usize = 40;
const ATTRIBUTES: usize = 64;
const NAMESPACES: usize = 64;
/// Declarations on the way to one element, those repeated there included. The parser keeps a list of all of them for every
/// element that adds one: a few megabytes of text could otherwise become gigabytes.
const DECLARATIONS: usize = 4 * NAMESPACES;

/// base64 of a document: its length is checked before it is decoded.
pub(super) fn decode(base64: &str, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    // line breaks of any style take less than a tenth
    if base64.len() > limits.bytes / 3 * 4 + limits.bytes / 8 {
        return too_large(limits);
    }
    super::xml::base64(base64).map_or_else(|| refuse("not_base64", "the message is not base64"), Ok)
}

fn too_large<T>(limits: &Limits) -> Result<T, Refusal> {
    refuse("too_large", format!("the document is larger than {} KiB", limits.bytes >> 10))
}

/// The bytes as text: within the limit, UTF-8, no byte order mark, no NUL.
pub(super) fn utf8<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Refusal> {
    if bytes.len() > limits.bytes {
        return too_large(limits);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with('\u{feff}') && !text.contains('\0') => Ok(text),
        _ => refuse("not_utf8", "the document is not plain UTF-8 (or begins with a byte order mark, or holds NUL)"),
    }
}

/// The parsed document, if its text keeps every rule.
pub(super) fn parse<'a>(text: &'a str, limits: &Limits) -> Result<Document<'a>, Refusal> {
    if text.len() > limits.bytes {
        return too_large(limits);
    }
    scan(text, limits)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: limits.nodes, entity_resolver: None };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            Refusal::new("too_many_nodes", format!("the document has more than {} nodes", limits.nodes))
        }
        roxmltree::Error::DtdDetected => Refusal::new("dtd", "the document has a document type"),
        // the parser's message may quote the document; its kind and place do not
        other => Refusal::new("not_well_formed", format!("the document is not well-formed XML at {}", other.pos())),
    })?;
    namespaces(&document)?;
    Ok(document)
}

/// Canonical XML §1.3: relative namespace URIs make canonicalisation fail; we do not let it come to that.
fn namespaces(document: &Document<'_>) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let absolute = |uri: &str| {
        let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && uri.chars().all(allowed)
            && url::Url::parse(uri).is_ok()
    };
    let mut known: HashSet<&str> = HashSet::new();
    let mut last: Vec<&roxmltree::Namespace<'_>> = Vec::new();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        // most elements have the namespaces of the one before, the very same ones
        let in_scope = node.namespaces();
        if in_scope.len() == last.len() && in_scope.clone().zip(&last).all(|(one, other)| std::ptr::eq(one, *other)) {
            continue;
        }
        last = in_scope.collect();
        if node.namespaces().len() > NAMESPACES {
            return refuse("namespace", format!("more than {NAMESPACES} namespaces are in scope of an element"));
        }
        for namespace in node.namespaces() {
            let uri = namespace.uri();
            if !uri.is_empty() && !known.contains(uri) {
                if !absolute(uri) {
                    return refuse("namespace", "a namespace is not an absolute URI");
                }
                known.insert(uri);
            }
        }
    }
    Ok(())
}

/// Looks at markup only. In well-formed XML a `<` always begins markup, so nothing can hide from this; what is not
/// well-formed is the parser's to refuse.
fn scan(text: &str, limits: &Limits) -> Result<(), Refusal> {
    // for each element that is open: the declarations on the way to it
    let mut open: Vec<usize> = Vec::new();
    let mut rest = text;
    if let Some(declaration) = text.strip_prefix("<?xml").filter(|d| d.starts_with([' ', '\t', '\r', '\n'])) {
        let (declaration, after) = declaration.split_once("?>").unwrap_or((declaration, ""));
        xml_declaration(declaration)?;
        rest = after;
    }
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let skip = if let Some(inside) = rest.strip_prefix("<!--") {
            if !limits.comments {
                return refuse("comment", "the document has a comment");
            }
            inside.find("-->").map(|end| end + 7)
        } else if let Some(inside) = rest.strip_prefix("<?") {
            if !limits.comments {
                return refuse("processing_instruction", "the document has a processing instruction");
            }
            inside.find("?>").map(|end| end + 4)
        } else if rest.starts_with("<![CDATA[") {
            return refuse("cdata", "the document has a CDATA section");
        } else if rest.starts_with("<!") {
            return refuse("dtd", "the document has a document type or an entity declaration");
        } else if rest.starts_with("</") {
            open.pop();
            Some(2)
        } else {
            let tag = Tag::measure(rest);
            if tag.attributes > ATTRIBUTES {
                return refuse("too_many_attributes", format!("an element has more than {ATTRIBUTES} attributes"));
            }
            let declarations = open.last().copied().unwrap_or_default() + tag.namespaces;
            if declarations > DECLARATIONS {
                return refuse(
                    "namespace",
                    format!("more than {DECLARATIONS} namespaces are declared around an element"),
                );
            }
            if !tag.empty {
                open.push(declarations);
            }
            if open.len() > DEPTH {
                return refuse("too_deep", format!("elements are nested more than {DEPTH} deep"));
            }
            Some(tag.bytes)
        };
        let Some(skip) = skip else { return refuse("not_well_formed", "a comment or instruction does not end") };
        rest = rest.get(skip..).unwrap_or_default();
    }
    Ok(())
}

fn xml_declaration(declaration: &str) -> Result<(), Refusal> {
    let value = |name: &str| {
        let (_, after) = declaration.split_once(name)?;
        let after = after.trim_start().strip_prefix('=')?.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        after[1..].split(quote).next()
    };
    if value("version") != Some("1.0") {
        return refuse("not_well_formed", "the XML declaration does not say version 1.0");
    }
    if declaration.contains("encoding") && !value("encoding").is_some_and(|name| name.eq_ignore_ascii_case("utf-8")) {
        return refuse("encoding", "the XML declaration names an encoding other than UTF-8");
    }
    Ok(())
}

/// A start tag from its `<`: how long it is, how many attributes it has, whether it closes itself.
struct Tag {
    bytes: usize,
    attributes: usize,
    /// Of the attributes, those that declare a namespace.
    namespaces: usize,
    empty: bool,
}

impl Tag {
    fn measure(text: &str) -> Self {
        let mut quote = None;
        let (mut attributes, mut namespaces) = (0, 0);
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().copied().enumerate() {
            match (quote, byte) {
                (Some(open), _) if open == byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => attributes += 1,
                (None, b'x') if bytes[at..].starts_with(b"xmlns") => namespaces += 1,
                (None, b'>') => return Self { bytes: at + 1, attributes, namespaces, empty: bytes[at - 1] == b'/' },
                (None, _) => {}
            }
        }
        Self { bytes: bytes.len(), attributes, namespaces, empty: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> &'static str {
        parse(text, &RESPONSE).map_or_else(|refusal| refusal.reason, |_| "ok")
    }

    #[test]
    fn only_plain_xml_gets_through() {
        for (text, expected) in [
            ("<a/>", "ok"),
            ("<?xml version='1.0' encoding=\"utf-8\"?>\n<a b='>'>x</a>", "ok"),
            ("<?xml version='1.1'?><a/>", "not_well_formed"),
            ("<?xml version='1.0' encoding='UTF-16'?><a/>", "encoding"),
            ("<?xml version='1.0' encoding='UTF-7'?><a/>", "encoding"),
            ("<!DOCTYPE a><a/>", "dtd"),
            ("<a><!ENTITY x 'y'></a>", "dtd"),
            ("<a><!-- --></a>", "comment"),
            ("<a><![CDATA[x]]></a>", "cdata"),
            ("<a><?x y?></a>", "processing_instruction"),
            (" <?xml version='1.0'?><a/>", "processing_instruction"),
            ("<a>&undefined;</a>", "not_well_formed"),
            ("<a><b></a>", "not_well_formed"),
            ("<a/><b/>", "not_well_formed"),
            ("<a/>tail", "not_well_formed"),
            ("<a x='1' x='2'/>", "not_well_formed"),
            ("<p:a/>", "not_well_formed"),
            ("<a", "not_well_formed"),
            ("<a xmlns='relative'/>", "namespace"),
            ("<a xmlns:x='urn:x y'/>", "namespace"),
            ("<a xmlns='urn:x'><b xmlns=''/></a>", "ok"),
            ("", "not_well_formed"),
        ] {
            assert_eq!(reason(text), expected, "{text}");
        }
    }

    #[test]
    fn costly_documents_are_refused_before_the_parser_sees_them() {
        assert_eq!(reason(&format!("{}{}", "<a>".repeat(40), "</a>".repeat(40))), "ok");
        assert_eq!(reason(&"<a>".repeat(60_000)), "too_deep");
        let attributes: String = (0..65).map(|n| format!(" a{n}='='")).collect();
        assert_eq!(reason(&format!("<a{attributes}/>")), "too_many_attributes");
        assert_eq!(reason(&format!("<a>{}</a>", "<b/>".repeat(20_001))), "too_many_nodes");
        let declared = |level| (0..32).map(|n| format!(" xmlns:p{level}-{n}='urn:x'")).collect::<String>();
        let nested = |levels| {
            let open: String = (0..levels).map(|level| format!("<a{}>", declared(level))).collect();
            reason(&format!("{open}{}", "</a>".repeat(levels)))
        };
        assert_eq!((nested(2), nested(3), nested(9)), ("ok", "namespace", "namespace"));
        // told from a document of gigabytes by how fast it is refused
        let elements = "<b xmlns:q='urn:q'/>".repeat(200_000);
        let huge = format!(
            "{}{elements}{}",
            (0..39).map(|l| format!("<a{}>", declared(l))).collect::<String>(),
            "</a>".repeat(39)
        );
        assert_eq!(parse(&huge, &METADATA).unwrap_err().reason, "namespace");
        assert_eq!(reason(&format!("<a>{}</a>", "x".repeat(256 << 10))), "too_large");
        assert_eq!(decode(&"A".repeat(512 << 10), &RESPONSE).unwrap_err().reason, "too_large");
        assert_eq!(decode("not base64!", &RESPONSE).unwrap_err().reason, "not_base64");
    }

    #[test]
    fn bytes_must_be_plain_utf8() {
        for bytes in [&b"\xef\xbb\xbf<a/>"[..], b"<a>\0</a>", b"\xff\xfe<\0a\0", b"<a>\xe9</a>"] {
            assert_eq!(utf8(bytes, &RESPONSE).unwrap_err().reason, "not_utf8");
        }
        assert!(parse("<a><!-- x --><?y z?><b/></a>", &METADATA).is_ok());
        assert_eq!(parse("<a><!-- x </a>", &METADATA).unwrap_err().reason, "not_well_formed");
    }
}
