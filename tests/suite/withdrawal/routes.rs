//! Every route of the broker, as the source mounts them: the paths in functions that take actix's `ServiceConfig`, and
//! constants that such a function names.

use std::collections::BTreeSet;
use std::path::Path;

pub fn of_the_broker() -> Vec<String> {
    let mut routes = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    for known in ["/authorize", "/.well-known/oauth-authorization-server", "/oidc/logout", "/healthz"] {
        assert!(routes.contains(known), "the source is not understood any more: {routes:?}");
    }
    routes.into_iter().collect()
}

fn read(folder: &Path, routes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // the demo's identity providers and application are not the broker; at the desk sit operators, whose every
            // route has its own test of permissions
            if path.file_name().is_none_or(|name| name != "demo" && name != "admin") {
                read(&path, routes);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let product = source.split("#[cfg(test)]").next().unwrap();
            for (head, body) in functions(product) {
                if head.contains("ServiceConfig") {
                    collect(product, body, routes);
                }
            }
        }
    }
}

/// Head and body of each function that begins in the first column.
fn functions(source: &str) -> impl Iterator<Item = (&str, &str)> {
    let starts = source.match_indices("fn ").map(|(at, _)| at);
    starts.filter_map(|at| {
        let line = source[..at].rfind('\n').map_or(0, |end| end + 1);
        let text = &source[at..];
        let head = text.split_once('{')?.0;
        let top = !source[line..].starts_with(' ');
        top.then(|| (head, text.split("\n}\n").next().unwrap_or(text)))
    })
}

fn collect(source: &str, body: &str, routes: &mut BTreeSet<String>) {
    let mut literals = |text: &str| {
        let paths = text.split('"').skip(1).step_by(2).filter(|literal| literal.starts_with('/'));
        routes.extend(paths.map(str::to_owned));
    };
    literals(body);
    for line in source.lines().filter(|line| line.contains("const ")) {
        let name = line.split("const ").nth(1).and_then(|rest| rest.split(':').next()).unwrap();
        if body.contains(&format!("({name})")) || body.contains(&format!("({name},")) {
            literals(line);
        }
    }
}
