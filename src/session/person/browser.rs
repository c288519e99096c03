//! By what a person recognises a browser.

/// "Firefox on Linux": what people call it, where it is one of the usual ones; else what it called itself.
pub fn called(user_agent: Option<&str>) -> String {
    const BROWSERS: [(&str, &str); 5] =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let Some(user_agent) = user_agent else { return "Unknown browser".into() };
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, n)| *n);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.into(),
        _ => user_agent.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::called;

    #[test]
    fn usual_browsers_have_their_usual_names() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
        assert_eq!(called(Some(chrome)), "Chrome on Linux");
        assert_eq!(called(Some(&format!("{chrome} Edg/140"))), "Edge on Linux");
        assert_eq!(called(Some("curl/8")), "curl/8");
        assert_eq!(called(None), "Unknown browser");
    }
}
